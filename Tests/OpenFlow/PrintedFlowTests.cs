using System.IO.Compression;
using System.Text.RegularExpressions;
using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Match and actions of every recorded flow, read from its bytes, are printed as <c>ovs-ofctl ofp-parse</c> prints them.</summary>
public sealed partial class PrintedFlowTests
{
    private static readonly FlowTextFormatter s_formatter = new();

    [Fact]
    public void A_recorded_flow_is_printed_as_ovs_ofctl_prints_it()
    {
        List<string> differences = [];
        int count = 0;
        foreach ((byte[] bytes, string[] printed) in Records())
        {
            OfMessage message = OfCodec.Decode(bytes);
            string[] ours = message is OfFlowModMessage mod
                ? [Ours(mod.Mod.Match, mod.Mod.Priority, mod.Mod.Actions, isDelete: mod.Mod.Command >= FlowModCommand.Delete)]
                : [.. ((OfFlowReply)message).Flows.Select(static f => Ours(f.Match, f.Priority, f.Actions, isDelete: false))];
            string[] theirs = message is OfFlowModMessage ? [Theirs(ModLine().Match(printed[0]))] : [.. printed.Skip(1).Select(TheirStats)];
            if (!ours.SequenceEqual(theirs.Select(Theirs))) differences.Add($"{printed[0]}\n  {string.Join("\n  ", theirs)}\n  {string.Join("\n  ", ours)}");
            count += ours.Length;
        }

        Assert.True(differences.Count == 0, $"{differences.Count} differ:\n{string.Join('\n', differences.Take(20))}");
        Assert.True(count > 1500, $"{count} flows");
    }

    /// <summary>As long as no Geneve option is mapped the mask of a byte is printed.</summary>
    private static string Theirs(string line)
        => line.Replace(",tun_metadata0=0x1 ", ",tun_metadata0=0x1/0xff ", StringComparison.Ordinal);

    private static string Ours(Mergeflow.Engine.OpenFlow.Match match, ushort priority, EquatableList<OfAction> actions, bool isDelete)
    {
        string text = s_formatter.Format(ref match);
        if (priority != 0x8000) text = text.Length > 0 ? $"priority={priority},{text}" : $"priority={priority}";
        return $"{text} actions={(isDelete ? "drop" : string.Join(',', actions.Select(s_formatter.Format)))}";
    }

    private static string Theirs(System.Text.RegularExpressions.Match line)
    {
        if (!line.Success) return "(not understood)";

        // The same action has another word in OpenFlow 1.0.
        return $"{line.Groups["match"].Value.Trim()} actions={line.Groups["actions"].Value.Replace("strip_vlan", "pop_vlan", StringComparison.Ordinal)}";
    }

    /// <summary>What stands before the actions, behind the last space, is the match; unless a comma ends it.</summary>
    private static string TheirStats(string line)
    {
        int at = line.IndexOf("actions=", StringComparison.Ordinal);
        string match = line[..at].TrimEnd().Split(' ')[^1];
        return $"{(match.EndsWith(',') ? "" : match)} {line[at..].Replace("strip_vlan", "pop_vlan", StringComparison.Ordinal)}";
    }

    private static IEnumerable<(byte[] Bytes, string[] Printed)> Records()
    {
        using FileStream file = File.OpenRead(Path.Combine(RepositoryFiles.Root, "Tests", "Data", "openflow", "printed.txt.gz"));
        using var text = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
        while (text.ReadLine() is { } hex)
        {
            List<string> printed = [];
            while (text.ReadLine() is { Length: > 0 } line) printed.Add(line);
            yield return (Convert.FromHexString(hex), [.. printed]);
        }
    }

    [GeneratedRegex(@": (ADD|MOD|MOD_STRICT|DEL|DEL_STRICT)( table:\d+)?(?<match> (?!cookie:|idle:|hard:|pri:|importance:|buf:|out_port:|out_group:|flags:|send_flow_rem|check_overlap|reset_counts|actions)\S+)?( [a-z_]+(:\S+)?)* actions=(?<actions>.*)$")]
    private static partial Regex ModLine();
}
