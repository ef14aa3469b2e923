using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.Chain;

namespace Mergeflow.Tests;

/// <summary>Life of a rule on the soft device: install, account, retire.</summary>
public sealed class OffloadThreadTests
{
    private sealed class Rig : IDisposable
    {
        public Rig(Chain chain, int capacity = 16, OffloadOptions? options = null)
        {
            Chain = chain;
            Ledger = new FakeLedger(chain.Flows);
            Provider = new SoftOffloadProvider(capacity);
            Pmd = new PmdOffload(Provider.Tables[0]);
            Thread = new OffloadThread(Pmd, chain.Flows, Ledger, Ledger, Provider, options);
        }

        public Chain Chain { get; }

        public FakeLedger Ledger { get; }

        public SoftOffloadProvider Provider { get; }

        public PmdOffload Pmd { get; }

        public OffloadThread Thread { get; }

        public MergedFlow Install(long nowMs = 0)
        {
            Chain.Submit(Pmd);
            Thread.Step(nowMs);
            return Assert.Single(Thread.Report.Rules());
        }

        public void Dispose()
        {
            Thread.Dispose();
            Chain.Dispose();
        }
    }

    [Fact]
    public void A_trace_becomes_an_active_rule_that_the_table_finds()
    {
        using Rig r = new(Tracked(Tcp()));
        MergedFlow rule = r.Install(5);
        Assert.Equal(MergedFlowState.Active, rule.State);
        Assert.Equal(5, rule.Timeline.ActiveAtMs);
        Assert.Equal(1ul, r.Thread.Stats.Installed);
        Assert.Equal(rule.Id, r.Provider.Tables[0].FindScalar(Tcp()));
        Assert.Equal(-1, r.Provider.Tables[0].FindScalar(Tcp(sport: 7)));
        Assert.Equal(1, r.Ledger.Marks[7]);
    }

    [Fact]
    public void A_repeated_trace_is_recognised()
    {
        using Rig r = new(Tracked(Tcp()));
        r.Install();
        r.Chain.Submit(r.Pmd);
        r.Thread.Step(1);
        Assert.Equal(1ul, r.Thread.Stats.Merged);
        Assert.Equal(1ul, r.Thread.Stats.Refused.Packets(OffloadReason.AlreadyOffloaded));
    }

    [Fact]
    public void Counters_are_credited_once_to_every_pass()
    {
        using Rig r = new(Tracked(Tcp()));
        MergedFlow rule = r.Install();
        Assert.True(r.Provider.Tables[0].TryHit(Tcp(), 100, 10));
        Assert.True(r.Provider.Tables[0].TryHit(Tcp(), 60, 20));
        AgingThread aging = new(r.Thread);
        aging.Step(30);
        r.Thread.Settle(31);
        r.Thread.Settle(32);
        Assert.All(rule.Passes, p => Assert.Equal((2ul, 160ul, 20L), r.Ledger.Megaflows[p.MegaflowId]));
        Assert.Equal(2ul, r.Thread.Stats.Hits);
        Assert.Equal(160ul, r.Thread.Stats.HitBytes);
    }

    /// <summary>The comparison when the device confirms is the last one before packets use the rule: no event may be needed for it.</summary>
    [Fact]
    public void A_connection_that_moves_between_the_link_and_the_confirmation_leaves_no_rule()
    {
        using Rig r = new(Tracked(Tcp()));
        r.Ledger.AfterLook = () => r.Ledger.Closed.Add(7);
        r.Chain.Submit(r.Pmd);
        r.Thread.Step(0);
        Assert.Equal((1ul, 1ul), (r.Thread.Stats.Installed, r.Thread.Stats.Raced));
        Assert.False(r.Provider.Tables[0].TryHit(Tcp(), 100, 1));
        r.Thread.Step(1);
        Assert.Equal(0, r.Thread.RuleCount);
        Assert.Equal(0, r.Ledger.Marks[7]);
    }

    [Fact]
    public void Bytes_are_those_of_each_pass()
    {
        FlowKey packet = Tcp();
        Chain c = new(packet);
        int first = c.Pass(packet, BaseMask, 0, PushVlan(3), Recirc(1));
        packet.RecircId = Be32.FromHost(1);
        int second = c.Pass(packet, BaseMask, 4, Output(2));
        using Rig r = new(c);
        r.Install();
        r.Provider.Tables[0].TryHit(Tcp(), 100, 1);
        r.Provider.Tables[0].TryHit(Tcp(), 100, 1);
        r.Thread.Settle(1);
        Assert.Equal((2ul, 200ul), (r.Ledger.Megaflows[first].Packets, r.Ledger.Megaflows[first].Bytes));
        Assert.Equal((2ul, 208ul), (r.Ledger.Megaflows[second].Packets, r.Ledger.Megaflows[second].Bytes));
    }

    [Fact]
    public void A_device_that_keeps_connections_is_not_credited_for_them()
    {
        using Rig r = new(Tracked(Tcp()));
        r.Install();
        r.Provider.Tables[0].TryHit(Tcp(), 100, 1);
        r.Thread.Settle(1);
        Assert.All(r.Ledger.Conns.Values, c => Assert.Equal((0UL, 0UL), (c.Packets, c.Bytes)));
    }

    [Fact]
    public void A_policy_change_on_an_established_flow_takes_effect_at_once()
    {
        using Rig r = new(Tracked(Tcp()));
        MergedFlow rule = r.Install();
        r.Provider.Tables[0].TryHit(Tcp(), 100, 1);
        r.Thread.OnMegaflowChanged(rule.Passes[1].MegaflowId);
        Assert.False(r.Provider.Tables[0].TryHit(Tcp(), 100, 2));
        Assert.True(r.Thread.RevocationsUnderWay);
        r.Thread.Settle(3);
        Assert.False(r.Thread.RevocationsUnderWay);
        Assert.Equal(MergedFlowState.Dead, rule.State);
        Assert.All(rule.Passes, p => Assert.Equal((1ul, 100ul, 1L), r.Ledger.Megaflows[p.MegaflowId]));
        Assert.All(r.Ledger.Retained.Values, static v => Assert.Equal(0, v));
        Assert.Equal(0, r.Ledger.Marks[7]);
        Assert.Equal(0, r.Provider.RuleCount);
    }

    [Fact]
    public void A_changed_mark_or_label_retires_the_rule()
    {
        using Rig r = new(Tracked(Tcp()));
        MergedFlow rule = r.Install();
        r.Ledger.Generations[7] = 4;
        r.Pmd.OnConnInvalidated(7, 4);
        r.Thread.Step(1);
        Assert.Equal(MergedFlowState.Dead, rule.State);
        Assert.Equal(OffloadReason.CtChangesConnection, rule.Reason);
    }

    [Fact]
    public void NAT_port_reuse_makes_a_new_rule_of_a_new_generation()
    {
        using Rig r = new(Tracked(Tcp()));
        MergedFlow old = r.Install();
        r.Ledger.Generations[7] = 4;
        r.Pmd.OnConnInvalidated(7, 4);
        CtVerdict v = Established();
        v.Generation = 4;
        r.Chain.Trace.Events[0].Ct = v;
        r.Chain.Submit(r.Pmd);
        r.Thread.Step(1);
        MergedFlow rule = Assert.Single(r.Thread.Report.Rules());
        Assert.NotSame(old, rule);
        Assert.Equal(4u, rule.Conns[0].Generation);
    }

    [Fact]
    public void Events_that_do_not_fit_the_ring_lead_to_a_full_check()
    {
        Chain c = Tracked(Tcp());
        FakeLedger ledger = new(c.Flows);
        using SoftOffloadProvider provider = new(4);
        PmdOffload pmd = new(provider.Tables[0], connEventCapacity: 1);
        using OffloadThread thread = new(pmd, c.Flows, ledger, ledger, provider);
        c.Submit(pmd);
        thread.Step(0);
        pmd.OnConnInvalidated(1000, 1);
        ledger.Closed.Add(7);
        pmd.OnConnInvalidated(7, 9);
        thread.Step(1);
        Assert.Empty(thread.Report.Rules());
        c.Dispose();
    }

    [Fact]
    public void A_dependency_that_moves_while_it_is_linked_is_noticed()
    {
        using Rig r = new(Tracked(Tcp()));
        r.Ledger.OnRetain = () => r.Ledger.Closed.Add(7);
        r.Chain.Submit(r.Pmd);
        r.Thread.Step(0);
        Assert.Empty(r.Thread.Report.Rules());
        Assert.Equal(1ul, r.Thread.Stats.Refused.Packets(OffloadReason.StaleTrace));
        Assert.All(r.Ledger.Retained.Values, static v => Assert.Equal(0, v));
        Assert.Equal(0, r.Ledger.Marks[7]);
    }

    [Fact]
    public void A_removed_port_takes_its_rules_with_it()
    {
        using Rig r = new(Tracked(Tcp()));
        r.Install();
        r.Thread.OnPortRemoved(3);
        Assert.Single(r.Thread.Report.Rules());
        r.Thread.OnPortRemoved(2);
        r.Thread.Step(1);
        Assert.Empty(r.Thread.Report.Rules());
        Assert.Equal(-1, r.Provider.Tables[0].FindScalar(Tcp()));
    }

    [Fact]
    public void A_full_table_evicts_the_idle_rule_and_keeps_the_busy_one()
    {
        Chain c = Tracked(Tcp());
        using Rig r = new(c, capacity: 2);
        r.Install(0);
        using Chain second = Second(c, 2000, 8);
        second.Submit(r.Pmd);
        r.Thread.Step(0);
        Assert.Equal(2, r.Thread.RuleCount);
        r.Provider.Tables[0].TryHit(Tcp(), 100, 500);
        r.Thread.Settle(500);
        using Chain third = Second(c, 3000, 9);
        third.Submit(r.Pmd);
        r.Thread.Step(501);
        third.Submit(r.Pmd);
        r.Thread.Step(502);
        Assert.Equal(1ul, r.Thread.Stats.Evicted);
        Assert.NotEqual(-1, r.Provider.Tables[0].FindScalar(Tcp()));
        Assert.Equal(-1, r.Provider.Tables[0].FindScalar(Tcp(sport: 2000)));
        Assert.NotEqual(-1, r.Provider.Tables[0].FindScalar(Tcp(sport: 3000)));
    }

    [Fact]
    public void A_lasting_refusal_is_remembered_and_explained()
    {
        FlowKey packet = Tcp();
        Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, Simple(DpOp.Meter), Output(2));
        using Rig r = new(c);
        for (int i = 0; i < 3; i++)
        {
            c.Submit(r.Pmd);
            r.Thread.Step(i);
        }

        Assert.Equal(3ul, r.Thread.Report.RefusedTotals().Packets(OffloadReason.UnsupportedAction));
        Assert.Equal(300ul, r.Thread.Report.RefusedTotals().Bytes(OffloadReason.UnsupportedAction));
        OffloadExplanation e = r.Thread.Report.Explain(Tcp());
        Assert.Empty(e.Live);
        Refusal refusal = Assert.Single(e.Refusals);
        Assert.Equal((OffloadReason.UnsupportedAction, 0, "meter", 3ul), (refusal.Reason, refusal.Pass, refusal.Detail, refusal.Packets));
    }

    [Fact]
    public void A_rule_is_explained_by_its_tuple_and_by_its_megaflow()
    {
        using Rig r = new(Tracked(Tcp()));
        MergedFlow rule = r.Install();
        Assert.Same(rule, Assert.Single(r.Thread.Report.Explain(Tcp()).Live));
        Assert.Empty(r.Thread.Report.Explain(Tcp(sport: 5)).Live);
        Assert.Same(rule, Assert.Single(r.Thread.Report.RulesOf(rule.Passes[0].MegaflowId)));
        Assert.Equal(1, r.Thread.Report.CountByState()[MergedFlowState.Active]);
        r.Thread.RevokeAll();
        r.Thread.Step(9);
        Assert.Same(rule, Assert.Single(r.Thread.Report.Explain(Tcp()).Dead));
    }

    [Fact]
    public void The_life_cycle_has_no_other_edges()
    {
        MergedFlow rule = new();
        Assert.Throws<InvalidOperationException>(() => rule.MoveTo(MergedFlowState.Active, 0));
        rule.MoveTo(MergedFlowState.Installing, 1);
        rule.MoveTo(MergedFlowState.Dying, 2);
        Assert.Throws<InvalidOperationException>(() => rule.MoveTo(MergedFlowState.Active, 3));
        rule.MoveTo(MergedFlowState.Dead, 4);
        Assert.Equal((1, 2, 4, -1), (rule.Timeline.InstallingAtMs, rule.Timeline.DyingAtMs, rule.Timeline.DeadAtMs, rule.Timeline.ActiveAtMs));
    }

    /// <summary>Another connection through the same two megaflows.</summary>
    private static Chain Second(Chain c, ushort sport, int conn)
    {
        Chain other = new(Tcp(sport: sport));
        Array.Copy(c.Trace.Passes, other.Trace.Passes, c.Trace.PassCount);
        other.Trace.PassCount = c.Trace.PassCount;
        other.Ct(0, Established(conn));
        return other;
    }
}
