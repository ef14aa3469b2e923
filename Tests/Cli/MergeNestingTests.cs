using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Dumps that nest deeper, or hold more, than any switch prints.</summary>
public sealed class MergeNestingTests
{
    private const string Key = "recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no), packets:1, bytes:98, used:never";

    [Theory]
    [InlineData("clone(", 6_000)]
    [InlineData("clone(", 200_000)]
    [InlineData("clone(", 64)]
    public void Nesting_has_a_bound(string open, int depth)
    {
        CliRun run = Merge($"{Key}, actions:{string.Concat(Enumerable.Repeat(open, depth))}2{new string(')', depth)}");
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("Action nested too deeply", run.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Encap_has_a_bound()
    {
        CliRun run = Merge($"recirc_id(0),in_port(1),{string.Concat(Enumerable.Repeat("encap(", 20_000))}eth_type(0x0800){new string(')', 20_000)}, packets:1, actions:2");
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("encap nested too deeply", run.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_kernel_nests_is_read()
    {
        CliRun run = Merge($"{Key}, actions:{string.Concat(Enumerable.Repeat("clone(", 16))}2{new string(')', 16)},3");
        Assert.True(run.ExitCode == ExitCode.Ok, run.Output + run.Error);
        Assert.Contains("actions:2,3", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(65_534)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    public void A_clone_holds_any_number_of_actions(int clears)
    {
        CliRun run = Merge($"{Key}, actions:clone({string.Concat(Enumerable.Repeat("ct_clear,", clears))}set(eth(dst=02:aa:aa:aa:aa:aa)),2),3");
        Assert.Contains("merged: ", run.Output, StringComparison.Ordinal);
        Assert.EndsWith("actions:clone(set(eth(dst=02:aa:aa:aa:aa:aa)),2),3", run.Output.Split('\n').Single(static l => l.StartsWith("merged: ", StringComparison.Ordinal)).TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_of_many_actions_is_whole_or_refused()
    {
        // Each copy has another header: the merged rule needs the clones too.
        string copies = string.Concat(Enumerable.Range(0, 30_000).Select(static i => $"clone(set(eth(dst=02:00:00:00:{i >> 8:x2}:{i & 0xff:x2})),2),"));
        CliRun run = Merge($"{Key}, actions:clone({copies}3),4");
        string last = run.Output.Split('\n').Last(static l => l.Contains("merged: ", StringComparison.Ordinal));
        if (last.StartsWith("merged: ", StringComparison.Ordinal)) Assert.Equal(30_000, last.Split("02:00:00:00:").Length - 1);
        else Assert.StartsWith("not merged: ", last, StringComparison.Ordinal);
        Assert.NotEqual(ExitCode.BadInput, run.ExitCode);
    }

    /// <summary>A trace has room for so many events.</summary>
    [Fact]
    public void Too_many_connections_are_refused_by_name()
    {
        using TemporaryFolder folder = new();
        const string Connection = "tcp,orig=(src=192.0.2.4,dst=198.51.100.9,sport=1,dport=2),reply=(src=198.51.100.9,dst=192.0.2.4,sport=2,dport=1),zone=4,protoinfo=(state=ESTABLISHED)";
        CliRun run = CliRun.Of(
            "merge", "--flows", folder.Write("flows.txt", $"{Key}, actions:{string.Concat(Enumerable.Repeat("ct(zone=4),", 1_000))}2"),
            "--conntrack", folder.Write("conntrack.txt", Connection), "--packet", "in_port=1,tcp,nw_src=192.0.2.4,nw_dst=198.51.100.9,tp_src=1,tp_dst=2");
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("not merged: TraceTooDeep(ct) in pass 0", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Counts_of_nested_actions_do_not_overlap_other_members()
    {
        DpAction check = new() { Op = DpOp.CheckPktLen, LengthBytes = 1500, NestedCount = int.MaxValue, ElseCount = int.MaxValue };
        Assert.Equal((DpOp.CheckPktLen, 1500u, int.MaxValue, int.MaxValue), (check.Op, check.LengthBytes, check.NestedCount, check.ElseCount));
        DpAction sample = new() { Op = DpOp.Sample, Probability = 7, NestedCount = int.MaxValue };
        Assert.Equal((DpOp.Sample, 7u, int.MaxValue, 0), (sample.Op, sample.Probability, sample.NestedCount, sample.ElseCount));
    }

    private static CliRun Merge(string dump)
    {
        using TemporaryFolder folder = new();
        return CliRun.Of("merge", "--flows", folder.Write("flows.txt", dump), "--packet", "in_port=1,tcp,nw_src=192.0.2.4,nw_dst=198.51.100.9,tp_src=1,tp_dst=2");
    }
}
