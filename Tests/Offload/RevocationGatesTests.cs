using Xunit;
using static Mergeflow.Tests.Chain;
using static Mergeflow.Tests.OffloadedSwitch;

namespace Mergeflow.Tests;

/// <summary>Rules that are out of use before they are removed.</summary>
public sealed class RevocationGatesTests
{
    private const string TwoWays =
        """
        table=0,priority=9,ip actions=ct(table=1,zone=5)
        table=1,priority=9,ct_state=+trk+new,ip,in_port=1 actions=ct(commit,zone=5),output:2
        cookie=0x4,table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:2
        cookie=0x5,table=1,priority=8,ct_state=+trk+est,ip,in_port=2 actions=output:1
        """;

    private static FlowMod[] Parse(string text) => [.. new FlowTextParser().ParseFlows(text)];

    [Fact]
    public void Nothing_uses_a_revoked_rule_although_none_is_removed()
    {
        using OffloadedSwitch s = Busy(out ulong hits);
        s.Simulator.Datapath.ApplyFlowMods(Parse("modify_strict table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:3"), s.Simulator.NowMs);
        Assert.True(s.Offload.RevocationsUnderWay);
        Assert.Equal(2, s.Offload.RuleCount);
        Assert.Equal([3u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
        Assert.False(s.Offload.RevocationsUnderWay);
        for (int i = 0; i < 4; i++) Assert.Equal([3u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
        Assert.True(s.Hits > hits, "the new rule is not used");
    }

    [Fact]
    public void Rules_of_other_megaflows_stay_in_use()
    {
        using OffloadedSwitch s = Busy(out _);
        s.Simulator.Datapath.ApplyFlowMods(Parse("modify_strict table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:3"), s.Simulator.NowMs);
        ulong hits = s.Simulator.Datapath.Pmd.Stats.MergedHits;
        Assert.Equal([1u], s.Send(2, Segment(true, 5001, 1001, 0x10)));
        Assert.Equal(hits + 1, s.Simulator.Datapath.Pmd.Stats.MergedHits);
    }

    [Fact]
    public void A_removed_port_gets_no_packet_before_its_rules_are_removed()
    {
        using OffloadedSwitch s = Busy(out _);
        s.Simulator.Datapath.Ports.SetLink(2, isUp: false, s.Simulator.NowMs);
        s.Simulator.Datapath.Ports.SetLink(2, isUp: true, s.Simulator.NowMs);
        Assert.True(s.Offload.RevocationsUnderWay);
        ulong hits = s.Simulator.Datapath.Pmd.Stats.MergedHits;
        Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
        Assert.Equal(hits, s.Simulator.Datapath.Pmd.Stats.MergedHits);
        Assert.Equal([OffloadReason.StaleTrace, OffloadReason.StaleTrace], s.Offload.Report.DeadRules().Select(static r => r.Reason));
    }

    [Fact]
    public void A_flush_is_acknowledged_before_its_rules_are_removed()
    {
        using OffloadedSwitch s = Busy(out _);
        s.Simulator.Datapath.FlushConntrack(zone: null, s.Simulator.NowMs);
        Assert.Equal(2, s.Offload.RuleCount);
        Assert.Empty(s.Send(2, Segment(true, 5001, 1001, 0x10)));
    }

    [Fact]
    public void Closings_add_up_and_concern_the_chains_of_the_megaflow()
    {
        using RevocationGates gates = new();
        MergedFlow a = Rule(1, 2), b = Rule(1, 3), c = Rule(4);
        foreach (MergedFlow r in (MergedFlow[])[a, b, c]) gates.Enter(r);
        GateSet first = gates.Close(2);
        GateSet second = gates.Close(1);
        Assert.Equal((1, 2), (first.Count(), second.Count()));
        Assert.Equal((false, false, true), (gates.IsOpen(a.Gate), gates.IsOpen(b.Gate), gates.IsOpen(c.Gate)));
        gates.Open(in second);
        Assert.Equal((false, true), (gates.IsOpen(a.Gate), gates.IsOpen(b.Gate)));
        gates.Open(in first);
        Assert.True(gates.AreOpen);
        Assert.False(gates.IsOpen(RevocationGates.Shut));
        Assert.Equal(0, gates.Close(99).Count());
    }

    [Fact]
    public void More_chains_than_gates_share_them_and_each_is_closed()
    {
        using RevocationGates gates = new();
        MergedFlow[] rules = [.. Enumerable.Range(0, 3000).Select(i => Rule(i, 100_000 + i))];
        foreach (MergedFlow r in rules) gates.Enter(r);
        Assert.All(rules, static r => Assert.NotEqual(RevocationGates.Shut, r.Gate));
        Assert.Equal(255, rules.Select(static r => r.Gate).Distinct().Count());
        foreach (MergedFlow r in rules)
        {
            GateSet closed = gates.Close(r.Passes[1].MegaflowId);
            Assert.False(gates.IsOpen(r.Gate));
            gates.Open(in closed);
        }

        foreach (MergedFlow r in rules) gates.Leave(r);
        Assert.Equal(0, gates.ChainCount);
        Assert.All(rules, r => Assert.Equal(0, gates.Close(r.Passes[0].MegaflowId).Count()));
    }

    /// <summary>Linking and revoking in every order of their steps: what is published of a dead megaflow stands behind a closed gate.</summary>
    [Fact]
    public void No_order_of_linking_and_revoking_leaves_a_dead_rule_in_use() => Assert.Equal((20, 0), Orders(checkFirst: false));

    /// <summary>A twin that looks at the megaflow before the gate knows of the rule (L2 before L1) must be caught.</summary>
    [Fact]
    public void Looking_before_the_gate_knows_is_caught() => Assert.True(Orders(checkFirst: true).InUse > 0);

    private static (int Count, int InUse) Orders(bool checkFirst)
    {
        int count = 0, inUse = 0;
        for (int order = 0; order < 64; order++)
        {
            // Bit i: step i is the offload thread's; each side has three.
            if (int.PopCount(order) != 3) continue;
            count++;
            using RevocationGates gates = new();
            MergedFlow rule = Rule(1, 2);
            bool dead = false, seenDead = false, published = false;
            Action enter = () => gates.Enter(rule);
            Action look = () => seenDead = dead;
            Queue<Action> link = new(checkFirst ? [look, enter] : [enter, look]);
            link.Enqueue(() => published = !seenDead);
            Queue<Action> revoke = new([() => dead = true, () => gates.Close(2), static () => { }]);
            for (int step = 0; step < 6; step++) (((order >> step) & 1) != 0 ? link : revoke).Dequeue()();
            if (published && dead && gates.IsOpen(rule.Gate)) inUse++;
        }

        return (count, inUse);
    }

    private static OffloadedSwitch Busy(out ulong hits)
    {
        OffloadedSwitch s = new(OffloadMode.Soft, TwoWays);
        s.Handshake();
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
            Assert.Equal([1u], s.Send(2, Segment(true, 5001, 1001, 0x10)));
        }

        hits = s.Hits;
        Assert.True(hits > 0);
        Assert.Equal(2, s.Offload.RuleCount);
        return s;
    }

    private static MergedFlow Rule(params int[] megaflows)
    {
        using Chain c = new(Tcp());
        foreach (int id in megaflows)
        {
            FlowKey seen = Tcp();
            if (c.Trace.PassCount > 0) seen.RecircId = Mergeflow.Native.Be32.FromHost((uint)c.Trace.PassCount);
            c.Flows.Set(id, 1, seen, BaseMask, c.Trace.PassCount == megaflows.Length - 1 ? [Output(2)] : [Recirc((uint)c.Trace.PassCount + 1)]);
            c.Again(id);
        }

        MergedFlow rule = new();
        Assert.True(new TraceMerger(c.Flows).TryMerge(c.Trace, rule));
        return rule;
    }
}
