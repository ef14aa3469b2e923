using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// What control leaves for the collector, which stops packet threads: bytes of this thread, counted, not timed. Flows that come and go, with their megaflows and merged rules, use what others have left.
/// </summary>
[Collection("Alone")]
public sealed class ControlGarbageTests
{
    /// <summary>More than dead rules are kept for who asks.</summary>
    private const int Flows = 1_000;

    private const int WarmRounds = 4;
    private const int Rounds = 8;

    private readonly byte[][] _frames = [.. Enumerable.Range(0, Flows).Select(static i => Frames.Udp($"10.1.{i / 250}.{i % 250 + 1}", 1000, "10.2.0.1", 53))];

    [Theory]
    [InlineData("ip,in_port=1 actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],output:2", OffloadMode.None, 16)]
    [InlineData("ip,in_port=1 actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],output:2", OffloadMode.Soft, 32)]
    [InlineData("table=0,ip,in_port=1 actions=resubmit(,1)\ntable=1,ip actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],mod_dl_dst:02:00:00:00:00:09,dec_ttl,output:2", OffloadMode.Soft, 32)]
    public void A_flow_that_comes_again_leaves_next_to_nothing(string flows, OffloadMode offload, int mostBytes)
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], Offload = offload, MegaflowCapacity = 4096, MergedCapacity = 4096, ConnectionCapacity = 4096 }, new NoSink());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows(flows));
        for (int i = 0; i < WarmRounds; i++) Round(s);
        ulong installed = s.Datapath.Offload?.Stats.Installed ?? 0, upcalls = s.Datapath.Stats.Upcalls;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++) Round(s);
        double perFlow = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)(Rounds * Flows);
        Assert.True(s.Datapath.Stats.Upcalls - upcalls >= Rounds * Flows, "flows have not come again");
        if (offload != OffloadMode.None) Assert.True(s.Datapath.Offload!.Stats.Installed - installed >= Rounds * Flows, "flows were not merged again");
        Assert.True(perFlow <= mostBytes, $"{perFlow:F1} bytes for each flow");
    }

    /// <summary>What stays of an order that adds a rule and one that deletes it is the rule, and what says that it has changed.</summary>
    [Fact]
    public void An_order_of_one_rule_leaves_a_few_objects()
    {
        const int most = 4_000;
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)] }, new NoSink());
        var parser = new FlowTextParser();
        FlowMod[][] add = [.. Enumerable.Range(0, Flows).Select(i => new[] { parser.ParseFlow($"table=5,priority=9,ip,nw_dst=10.1.{i / 250}.{i % 250} actions=output:2") })];
        FlowMod[][] delete = [.. Enumerable.Range(0, Flows).Select(i => new[] { parser.ParseFlow($"delete_strict table=5,priority=9,ip,nw_dst=10.1.{i / 250}.{i % 250}") })];
        s.ApplyFlowMods(parser.ParseFlows("table=5,priority=9,ip,nw_dst=10.2.0.1 actions=output:2"));
        Churn();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Churn();
        double perOrder = (GC.GetAllocatedBytesForCurrentThread() - before) / (2.0 * Flows);
        Assert.True(perOrder <= most, $"{perOrder:F0} bytes for each order");

        void Churn()
        {
            foreach (FlowMod[] mods in add) s.Datapath.ApplyFlowMods(mods, s.NowMs);
            foreach (FlowMod[] mods in delete) s.Datapath.ApplyFlowMods(mods, s.NowMs);
        }
    }

    /// <summary>Whoever has asked for rules keeps them: they become no others.</summary>
    [Fact]
    public void A_rule_that_was_shown_stays_what_it_was()
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], Offload = OffloadMode.Soft, MegaflowCapacity = 4096, MergedCapacity = 4096 }, new NoSink());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("ip,in_port=1 actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],output:2"));
        Round(s, purges: false);
        IReadOnlyList<MergedFlow> shown = s.Datapath.Offload!.Report.Rules();
        (long Id, uint Source)[] seen = [.. shown.Select(static r => (r.Id, r.Value.NwSrc.Host))];
        Assert.True(seen.Length >= Flows);
        for (int i = 0; i < WarmRounds; i++) Round(s);
        Assert.Equal(seen, shown.Select(static r => (r.Id, r.Value.NwSrc.Host)));
        Assert.All(shown, static r => Assert.Equal(MergedFlowState.Dead, r.State));
    }

    private void Round(Simulator s, bool purges = true)
    {
        for (int n = 0; n < 4; n++)
        {
            foreach (byte[] frame in _frames)
            {
                s.Receive(1, frame, 0);
                s.ProcessPending();
            }

            s.Datapath.Offload?.Settle(s.NowMs);
        }

        if (purges) s.Datapath.PurgeMegaflows(s.NowMs);
        s.Datapath.Offload?.Step(s.NowMs);
    }

    private sealed class NoSink : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
            // Nobody looks.
        }
    }
}
