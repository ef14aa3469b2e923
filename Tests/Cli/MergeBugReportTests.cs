using System.Text.RegularExpressions;
using Mergeflow.Cli;
using Xunit;
using Match = System.Text.RegularExpressions.Match;

namespace Mergeflow.Tests;

/// <summary>The reports in <c>Data/bugs/dump_*</c>: dumps of other versions of Open vSwitch and of the kernel. Each folder's NOTE.md says what is right.</summary>
public sealed partial class MergeBugReportTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_flow_for_frames_without_a_type_is_read_as_such(int command)
    {
        CliRun run = Report("dump_no_ethertype", command);
        Assert.Contains("pass 0: line 1: ", run.Output, StringComparison.Ordinal);
        Assert.Contains("eth_type(0/0xffff)", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("type is 0x0", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^(merged: |not merged: |no NIC rule: )", run.Output);
    }

    [Fact]
    public void A_frame_with_a_type_does_not_fit_a_flow_for_frames_without_one()
    {
        CliRun run = MergeText("recirc_id(0),in_port(1),eth_type(0/0xffff), packets:2, bytes:2, used:1s, actions:drop", "in_port=1,dl_type=0x88cc");
        Assert.Contains("not merged: Upcall(no flow of the dump fits", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_type_that_is_not_consulted_is_none()
    {
        CliRun run = MergeText("recirc_id(0),in_port(1),eth_type(0/0), packets:2, bytes:2, used:1s, actions:2", "in_port=1,dl_type=0x88cc");
        Assert.Contains("pass 0: line 1: ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_stand_for_themselves_and_names_for_numbers_that_no_line_uses()
    {
        CliRun run = Report("dump_names_and_numbers", 0);
        string[] lines = run.Output.Split('\n');
        Assert.EndsWith("actions:br-link1,pop_vlan,2,3", lines.Single(static l => l.StartsWith("merged: ", StringComparison.Ordinal)).TrimEnd(), StringComparison.Ordinal);
        uint named = uint.Parse(NamedPort().Match(run.Output).Groups[1].ValueSpan, null);
        Assert.DoesNotContain(named, (uint[])[1, 2, 3]);
        string rule = lines.First(static l => l.StartsWith("testpmd: flow create", StringComparison.Ordinal));
        Assert.Contains($"represented_port ethdev_port_id {named} ", rule.Replace("port_id id", "represented_port ethdev_port_id", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    /// <summary>A name before, between and behind the numbers, as input and as output, inside a clone too: it never gets one of them.</summary>
    [Theory]
    [InlineData("recirc_id(0),in_port(tap0),eth_type(0x0800),ipv4(frag=no), packets:1, actions:1,2\nrecirc_id(0),in_port(3),eth_type(0x0800),ipv4(frag=no), packets:1, actions:tap1,1", "in_port=tap0,ip", "1,2")]
    [InlineData("recirc_id(0),in_port(tap0),eth_type(0x0800),ipv4(frag=no), packets:1, actions:tap1,2,clone(tap2,1),3", "in_port=tap0,ip", "tap1,2,tap2,1,3")]
    [InlineData("recirc_id(0),in_port(2),eth_type(0x0800),ipv4(frag=no), packets:1, actions:tap1,tap2,tap1\nrecirc_id(0),in_port(1),eth_type(0x0800),ipv4(frag=no), packets:1, actions:3", "in_port=2,ip", "tap1,tap2,tap1")]
    public void A_name_never_takes_a_number_of_the_dump(string dump, string packet, string actions)
    {
        CliRun run = MergeText(dump, packet);
        Assert.EndsWith($"actions:{actions}", run.Output.Split('\n').Single(static l => l.StartsWith("merged: ", StringComparison.Ordinal)).TrimEnd(), StringComparison.Ordinal);
        foreach (Match name in NamedPort().Matches(run.Output)) Assert.DoesNotMatch($@"(?<![\w]){name.Groups[1].Value}(?![\w])", Numbers().Replace(dump, "$1"));
    }

    [Fact]
    public void An_attribute_that_is_not_known_concerns_its_own_flow_only()
    {
        CliRun run = Report("dump_unknown_attribute", 0);
        Assert.True(run.ExitCode == ExitCode.Ok, run.Output + run.Error);
        string folder = Folder("dump_unknown_attribute");
        string expected = File.ReadAllLines(Path.Combine(folder, "expected.txt")).Single(static l => l.StartsWith("merged: ", StringComparison.Ordinal));
        Assert.Equal(expected.TrimEnd(), run.Output.Split('\n').Single(static l => l.StartsWith("merged: ", StringComparison.Ordinal)).TrimEnd());
    }

    [Theory]
    [InlineData("recirc_id(0),in_port(6),eth(src=02:00:00:00:00:0e),eth_type(0x86dd),ipv6(frag=no),key32(00 00/00 00), packets:6, bytes:496, used:0.755s, actions:2", "not merged: UnsupportedMatch(key32) in pass 0")]
    [InlineData("key41(00),recirc_id(0),in_port(6),eth_type(0x86dd),ipv6(frag=no), packets:6, bytes:496, used:0.755s, actions:2", "not merged: UnsupportedMatch(key41) in pass 0")]
    [InlineData("recirc_id(0),in_port(6),eth_type(0x86dd),ipv6(frag=no), packets:6, bytes:496, used:0.755s, actions:action29(01 02),2", "not merged: UnsupportedAction(action29) in pass 0")]
    public void A_flow_with_a_number_for_a_name_is_refused_by_it(string dump, string line)
    {
        CliRun run = MergeText(dump, "in_port=6,ipv6");
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains(line, run.Output.Split('\n').Select(static l => l.TrimEnd()));
    }

    private static string Folder(string name) => Path.Combine(CaseFiles.DataFolder, "bugs", name);

    /// <summary>Runs a line of the folder's command.txt; file names are relative to the folder.</summary>
    private static CliRun Report(string name, int command)
    {
        string[] words = File.ReadAllLines(Path.Combine(Folder(name), "command.txt"))[command].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return CliRun.Of([.. words.Skip(1).Select(w => w.EndsWith(".txt", StringComparison.Ordinal) ? Path.Combine(Folder(name), w) : w)]);
    }

    private static CliRun MergeText(string dump, string packet)
    {
        using TemporaryFolder folder = new();
        return CliRun.Of("merge", "--flows", folder.Write("flows.txt", dump), "--packet", packet);
    }

    [GeneratedRegex(@"(?m)^port (\d+): ")]
    private static partial Regex NamedPort();

    /// <summary>What is no port: counters and keys other than in_port.</summary>
    [GeneratedRegex(@"recirc_id\(\w+\)|packets:\d+|eth_type\(\w+\)|ipv4\([^)]*\)()")]
    private static partial Regex Numbers();
}
