using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Every match field of ovs-fields(7), every action of ovs-actions(7), and the forms of flow and group modifications: <c>replay</c> takes what Open
/// vSwitch 3.1.0 takes and refuses what it refuses; what needs a feature that is not there ends with a code of its own.
/// </summary>
public sealed class OpenFlowFormTests
{
    private const int Entries = 2202, TakenThere = 1539, Missing = 204;

    /// <summary>Where the answer is ours on purpose; docs/conformance.md says why.</summary>
    private static readonly Dictionary<string, int> s_ours = new()
    {
        ["field/tun_ttl/match"] = ExitCode.Ok,
        ["field/tun_ttl/match2"] = ExitCode.Ok,
        ["field/tun_ttl/no-prereq"] = ExitCode.Ok,
        ["field/tun_tos/match"] = ExitCode.Ok,
        ["field/tun_tos/match2"] = ExitCode.Ok,
        ["field/tun_tos/no-prereq"] = ExitCode.Ok,
        ["mod/group: group_id=2,type=all,bucket=output:3"] = ExitCode.Ok,
        ["mod/group: modify group_id=1,type=all,bucket=output:3"] = ExitCode.Ok,
        ["action/misc/debug_recirc"] = ExitCode.Ok,
        ["action/misc/debug_slow"] = ExitCode.Ok,
        ["action/ct/36: ct(commit,nat(src=192.0.2.9:70000))"] = ExitCode.BadInput,
    };

    [Fact]
    public void Forms_are_taken_and_refused_as_recorded()
    {
        var wrong = new List<string>();
        int entries = 0, taken = 0, missing = 0;
        using TemporaryFolder folder = new();
        foreach (JsonElement entry in ReadEntries())
        {
            string name = entry.GetProperty("name").GetString()!;
            bool isTaken = entry.GetProperty("taken").GetBoolean(), isMissing = entry.TryGetProperty("missing", out _);
            entries++;
            taken += isTaken ? 1 : 0;
            missing += isMissing ? 1 : 0;

            CliRun run = Replay(entry, folder);
            bool isRight = s_ours.TryGetValue(name, out int ours) ? run.ExitCode == ours
                : isMissing ? run.ExitCode == ExitCode.MissingFeature
                : isTaken ? run.ExitCode == ExitCode.Ok
                : run.ExitCode is ExitCode.BadInput or ExitCode.MissingFeature;
            if (!isRight) wrong.Add($"{name}: exit code {run.ExitCode} {run.Error.Trim()}");
        }

        Assert.Empty(wrong);
        Assert.Equal((Entries, TakenThere, Missing), (entries, taken, missing));
    }

    private static CliRun Replay(JsonElement entry, TemporaryFolder folder)
    {
        string flows = folder.Write("flows.txt", Lines(entry, "flows")), groups = folder.Write("groups.txt", Lines(entry, "groups"));
        string events = folder.Write("events.jsonl", Events(entry));
        return CliRun.Of("replay", "--flows", flows, "--groups", groups, "--ports", "p1=1,p2=2,p3=3,p4=4,p5=5,p6=6", "--in", events, "--out", folder["out.jsonl"]);
    }

    private static string Lines(JsonElement entry, string property)
        => entry.TryGetProperty(property, out JsonElement lines) ? string.Concat(lines.EnumerateArray().Select(static l => l.GetString() + "\n")) : "";

    private static string Events(JsonElement entry)
    {
        var text = new StringBuilder("{\"i\":0,\"t\":0,\"op\":\"tick\"}\n");
        if (entry.TryGetProperty("mods", out JsonElement mods))
        {
            foreach (JsonElement mod in mods.EnumerateArray()) text.Append("{\"i\":1,\"t\":0,").Append(mod.GetRawText().AsSpan(1)).Append('\n');
        }

        return text.ToString();
    }

    private static IEnumerable<JsonElement> ReadEntries()
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(Path.Combine(CaseFiles.DataFolder, "openflow-forms.jsonl.gz")), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            yield return document.RootElement.Clone();
        }
    }
}
