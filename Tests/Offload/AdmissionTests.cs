using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.Chain;

namespace Mergeflow.Tests;

/// <summary>Who gets a slot. Each test has a flow that must be taken and one that must not.</summary>
public sealed class AdmissionTests
{
    private const string TwoPasses =
        """
        table=0,priority=9,udp,tp_dst=80 actions=ct(table=1,zone=5)
        table=0,priority=9,udp,tp_src=80 actions=ct(table=1,zone=5)
        table=0,priority=8,udp,tp_dst=81 actions=output:3
        table=1,priority=9,ct_state=+trk+new,ip,in_port=1 actions=ct(commit,zone=5),output:2
        table=1,priority=8,ct_state=+trk+est,ip actions=output:2
        """;

    private static readonly SavedCycles s_model = new();

    [Fact]
    public void What_is_saved_is_passes_connections_and_actions_less_the_hit()
    {
        Assert.Equal(45 + 5 - 60, s_model.PerPacket(1, 0, 1));
        Assert.Equal(90 + 60 + 5 - 60, s_model.PerPacket(2, 1, 1));
        Assert.Equal(95 * 100 * 1.0, s_model.Predicted(95, 100, ageMs: 10));
        Assert.Equal(95 * 100 * 7.0, s_model.Predicted(95, 100, ageMs: 7000));
    }

    [Fact]
    public void The_last_slots_are_dear()
    {
        Assert.Equal(15_000, s_model.Price(0, 1000));
        Assert.Equal(30_000, s_model.Price(500, 1000));
        Assert.Equal(15_000_000, s_model.Price(999, 1000));
        Assert.Equal(30_000, s_model.Price(1000, 1000));
    }

    [Theory]
    [InlineData("always", 1)]
    [InlineData("after-5", 5)]
    [InlineData("saved-cycles", 8)]
    public void A_busy_connection_is_recorded_from_its_nth_packet_on(string policy, int first)
    {
        using Simulator s = Switch(policy);
        Establish(s, 1000);
        for (int i = 2; i <= 20; i++)
        {
            // The first packet made the connection, the second one of this direction is established.
            SendUdp(s, 1000, 80);
            Assert.Equal(i >= Math.Max(2, first) ? 1 : 0, s.Datapath.Offload!.RuleCount);
        }
    }

    [Fact]
    public void Saved_cycles_takes_the_busy_connection_and_leaves_the_idle_one()
    {
        using Simulator s = Switch("saved-cycles");
        Establish(s, 1000);
        Establish(s, 2000);
        for (int ms = 1; ms <= 900; ms++)
        {
            s.AdvanceTo(ms);
            SendUdp(s, 1000, 80);
            if (ms % 100 == 0) SendUdp(s, 2000, 80);
        }

        MergedFlow rule = Assert.Single(s.Datapath.Offload!.Report.Rules());
        Assert.Equal(1000, rule.Value.TpSrc.Host);
        Refusal refused = Assert.Single(s.Datapath.Offload.Report.Explain(Key(2000)).Refusals, static r => r.Reason == OffloadReason.AdmissionPolicy);
        Assert.Equal("saved-cycles", refused.Detail);
    }

    [Fact]
    public void Saved_cycles_leaves_what_software_does_as_cheaply()
    {
        // One pass without connection: as busy as can be, and the soft device saves nothing.
        using Simulator s = Switch("saved-cycles");
        for (int ms = 1; ms <= 900; ms++)
        {
            s.AdvanceTo(ms);
            SendUdp(s, 1000, 81);
        }

        Assert.Empty(s.Datapath.Offload!.Report.Rules());
        Assert.True(Admission.TryParse("saved-cycles", OffloadMode.Nic, out IAdmissionPolicy? nic));
        Assert.True(nic.ShouldAdmit(WithRate(1, 20_000), 0, 10), "for a NIC the same flow is worth a rule");
    }

    [Fact]
    public void A_full_table_gives_the_place_of_its_least_rule_to_a_clearly_better_one()
    {
        AdmitSavedCycles policy = new();
        MergedFlow slow = Active(100), busy = Active(1000);
        IReadOnlyList<MergedFlow> rules = [busy, slow];
        Assert.Same(slow, policy.ChooseVictim(rules, WithRate(2, 300), 50 + MergedRate.WindowMs));
        Assert.Null(policy.ChooseVictim(rules, WithRate(2, 90), 50 + MergedRate.WindowMs));
        Assert.Same(slow, policy.ChooseVictim(rules, WithRate(2, 5000), 50 + MergedRate.WindowMs));
    }

    [Fact]
    public void A_rule_that_was_not_measured_yet_is_no_victim()
    {
        Assert.Null(new AdmitSavedCycles().ChooseVictim([Active(0)], WithRate(2, 5000), 50));
    }

    [Fact]
    public void The_rate_is_of_packets_seen_then_of_packets_counted()
    {
        MergedRate rate = MergedRate.Of(8, 70, 1000);
        Assert.Equal((100.0, 930L), (rate.PacketsPerSecond, rate.FirstSeenMs));
        rate.Update(1000, 1000 + MergedRate.WindowMs - 1);
        Assert.Equal(100.0, rate.PacketsPerSecond);
        rate.Update(50, 1100);
        Assert.Equal(300.0, rate.PacketsPerSecond);
        rate.Update(50, 1300);
        Assert.Equal(150.0, rate.PacketsPerSecond);
        Assert.Equal(0.0, MergedRate.Of(1, 0, 5).PacketsPerSecond);
    }

    [Fact]
    public void A_flow_of_many_packets_keeps_its_rate_when_the_count_is_full()
    {
        RecordingFilter filter = new(1, 1);
        FlowSeen seen = default;
        for (int i = 0; i < 100_000; i++) Assert.True(filter.ShouldRecord(7, i / 10, out _, out seen));
        Assert.InRange(seen.Packets * 1000.0 / seen.AgeMs, 9_990, 10_010);
        filter.Suppress(7, 10_000, 500, OffloadReason.AdmissionPolicy);
        Assert.False(filter.ShouldRecord(7, 10_499, out OffloadReason standing, out _));
        Assert.Equal(OffloadReason.AdmissionPolicy, standing);
        Assert.True(filter.ShouldRecord(7, 10_500, out _, out seen));
        Assert.Equal((1, 0L), (seen.Packets, seen.AgeMs));
    }

    [Theory]
    [InlineData("sometimes")]
    [InlineData("after-")]
    [InlineData("after-0")]
    [InlineData("after-99999")]
    [InlineData("after--1")]
    public void There_is_no_policy_of_another_name(string text) => Assert.False(Admission.TryParse(text, OffloadMode.Soft, out _));

    private static Simulator Switch(string policy)
    {
        Assert.True(Admission.TryParse(policy, OffloadMode.Soft, out IAdmissionPolicy? admission));
        Simulator s = new(
            new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], Offload = OffloadMode.Soft, BatchSize = 1, OffloadThread = new OffloadOptions { Admission = admission } },
            new NoSink());
        s.ApplyFlowMods([.. new FlowTextParser().ParseFlows(TwoPasses)]);
        return s;
    }

    private static void Establish(Simulator s, ushort client)
    {
        SendUdp(s, client, 80);
        s.Receive(2, NicFrame.New().Ipv4("10.0.0.2", "10.0.0.1", 17, NicFrame.UdpDatagram(80, client, 10)), 0);
        s.ProcessPending();
        s.Datapath.Offload!.RevokeAll();
        s.Datapath.Offload.Settle(s.NowMs);
    }

    private static void SendUdp(Simulator s, ushort source, ushort destination)
    {
        s.Receive(1, NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 17, NicFrame.UdpDatagram(source, destination, 10)), 0);
        s.ProcessPending();
    }

    private static FlowKey Key(ushort source)
    {
        FlowKey k = Tcp(sport: source);
        k.NwProto = IpProto.Udp;
        k.TcpFlags = default;
        return k;
    }

    /// <summary>A rule of one pass, or of two with a connection between them, for a flow of so many packets per second that is a second old.</summary>
    private static MergedFlow WithRate(int passes, int packetsPerSecond)
    {
        using Chain c = passes == 2 ? Tracked(Tcp()) : new Chain(Tcp());
        if (passes == 1) c.Pass(Tcp(), BaseMask, 0, Output(2));
        MergedFlow rule = new();
        Assert.True(new TraceMerger(c.Flows).TryMerge(c.Trace, rule));
        Assert.Equal(passes, rule.PassCount);
        rule.Rate = MergedRate.Of(packetsPerSecond + 1, 1000, 0);
        return rule;
    }

    private static MergedFlow Active(int packetsPerSecond)
    {
        MergedFlow rule = WithRate(2, packetsPerSecond);
        rule.MoveTo(MergedFlowState.Installing, 0);
        rule.MoveTo(MergedFlowState.Active, 50);
        return rule;
    }

    private sealed class NoSink : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
