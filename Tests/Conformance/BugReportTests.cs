using System.Text.Json;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Cases made from bug reports, each with the right answer and a <c>NOTE.md</c> that says what went wrong where. The answer is compared as it
/// stands: packets per port, counters of the rules, connections. A case that the switch has to refuse says in <c>case.json</c> with which
/// <c>exit_code</c>.
/// </summary>
public sealed class BugReportTests
{
    /// <summary>A folder whose name begins so holds commands and their output, not events.</summary>
    private const string CommandPrefix = "dump_";

    private static readonly string s_folder = Path.Combine(CaseFiles.DataFolder, "bugs");

    private static readonly string[] s_names =
        [.. Directory.EnumerateDirectories(s_folder).Select(d => Path.GetFileName(d)).Where(n => !n.StartsWith(CommandPrefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>Every case by name.</summary>
    public static TheoryData<string> Names => [.. s_names];

    /// <summary>Case, offload, caches on, name of <see cref="Quirks"/>.</summary>
    public static TheoryData<string, OffloadMode, bool, string> Runs
    {
        get
        {
            TheoryData<string, OffloadMode, bool, string> runs = [];
            foreach (string name in s_names)
            {
                foreach (OffloadMode offload in Enum.GetValues<OffloadMode>().Where(o => IsFor(name, o)))
                {
                    foreach (Quirks quirks in Quirks.All.Where(q => Shows(name, q)))
                    {
                        runs.Add(name, offload, true, quirks.Name);
                        runs.Add(name, offload, false, quirks.Name);
                    }
                }
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Answers_right(string name, OffloadMode offload, bool cacheOn, string quirks)
    {
        string directory = Path.Combine(s_folder, name);
        ConformanceCase @case = CaseFiles.Load(directory);
        ReplayArguments arguments = ReplayArguments.FromCase(directory) with { Offload = offload, CacheOn = cacheOn, Quirks = Quirks.Find(quirks)! };
        if (@case.Json.TryGetProperty("exit_code", out JsonElement exitCode))
        {
            CommandFailedException refused = Assert.Throws<CommandFailedException>(() => ConformanceRun.Replay(arguments));
            Assert.Equal(exitCode.GetInt32(), refused.Code);
            return;
        }

        RunSample.AssertNone(ConformanceJudge.Judge(@case, ConformanceRun.Parse(ConformanceRun.Replay(arguments))));
    }

    /// <summary>A case of which a file is missing would pass, or fail, for the wrong reason.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Is_whole(string name)
    {
        foreach (string file in (string[])["NOTE.md", "case.json", "flows.txt", "events.jsonl.gz", "expected.jsonl.gz", "final.json.gz"])
            Assert.True(File.Exists(Path.Combine(s_folder, name, file)), $"{name} has no {file}");
        ConformanceCase @case = CaseFiles.Load(Path.Combine(s_folder, name));
        Assert.NotEmpty(@case.Events);
        Assert.Equal(@case.Events.Select(e => e.Index), @case.Expected.Keys);
    }

    /// <summary>Where a recorded case says otherwise, the right answer is one of some releases only: <c>quirks</c> in <c>case.json</c>.</summary>
    private static bool Shows(string name, Quirks quirks)
    {
        using JsonDocument @case = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, name, "case.json")));
        return !@case.RootElement.TryGetProperty("quirks", out JsonElement only) || only.GetString() == quirks.Name;
    }

    /// <summary>No NIC checks TCP sequence numbers: where that changes the answer there is a <c>NAME__noseq</c> for it, and the plain case is for the others.</summary>
    private static bool IsFor(string name, OffloadMode offload)
    {
        if (name.EndsWith(CaseFiles.NoSeqSuffix, StringComparison.Ordinal)) return offload == OffloadMode.Nic;
        return offload != OffloadMode.Nic || !s_names.Contains(name + CaseFiles.NoSeqSuffix);
    }
}
