using Xunit;
using static Mergeflow.Tests.OffloadedSwitch;

namespace Mergeflow.Tests;

/// <summary>One switch, two packet threads, each direction of every connection on the other one: what one learns, changes or revokes holds for both.</summary>
public sealed class SeveralThreadsTests
{
    private const string Firewall =
        """
        cookie=0x1,table=0,priority=9,ip,in_port=1 actions=ct(table=1,zone=5)
        cookie=0x2,table=0,priority=9,ip,in_port=2 actions=ct(table=1,zone=5)
        cookie=0x3,table=1,priority=9,ct_state=+trk+new,ip,in_port=1 actions=ct(commit,zone=5),output:2
        cookie=0x4,table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:2
        cookie=0x5,table=1,priority=8,ct_state=+trk+est,ip,in_port=2 actions=output:1
        """;

    public static TheoryData<OffloadMode> Modes => [OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic];

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_connection_is_one_whichever_thread_sees_it(OffloadMode mode)
    {
        using OffloadedSwitch s = Switch(mode);
        Talk(s);
        SimulatorReport report = s.Simulator.Report();
        ConnInfo connection = Assert.Single(report.Connections);
        Assert.Equal(("ESTABLISHED", 12ul, 12ul), (connection.State, connection.OrigPackets, connection.ReplyPackets));
        Assert.Equal(24ul, report.Rules.Where(static r => r.Cookie is 1 or 2).Aggregate(0ul, static (sum, r) => sum + r.Packets));
        Assert.Equal((12ul, 12ul), (s.Simulator.Datapath.CountersOf(1).Packets, s.Simulator.Datapath.CountersOf(2).Packets));
        if (mode == OffloadMode.None)
        {
            Assert.Equal([12ul, 12ul], s.Simulator.Datapath.Pmds.Select(static p => p.Thread.Stats.Rx));
            return;
        }

        Assert.True(report.OffloadHits >= 16, $"{report.OffloadHits} hits");
        OffloadAudit audit = s.Simulator.Audit(pushed: true);
        Assert.True(audit.IsBalanced, string.Join('\n', audit.Lines));
        if (mode == OffloadMode.Soft) Assert.All(s.Simulator.Datapath.Pmds, static p => Assert.True(p.Thread.Stats.MergedHits >= 8));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_flow_modification_holds_for_all_threads_when_it_returns(OffloadMode mode)
    {
        using OffloadedSwitch s = Switch(mode);
        Talk(s);
        Assert.Equal(Acknowledgement.Done, s.Change("delete table=1"));
        Assert.True(s.Simulator.Datapath.Offload?.RevokedInUse() is null or 0);
        Assert.Empty(s.Send(1, Segment(false, 1001, 5001, 0x10)));
        Assert.Empty(s.Send(2, Segment(true, 5001, 1001, 0x10)));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void So_do_flushes_ports_and_purges(OffloadMode mode)
    {
        using OffloadedSwitch s = Switch(mode);
        Talk(s);
        s.Simulator.SetPort(1, exists: false);
        Assert.Empty(s.Send(2, Segment(true, 5001, 1001, 0x10)));
        s.Simulator.SetPort(1, exists: true);
        Assert.Equal([1u], s.Send(2, Segment(true, 5001, 1001, 0x10)));
        s.Simulator.Purge();
        Assert.Equal(0, s.Simulator.Datapath.MegaflowCount);
        Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
        s.Simulator.FlushConntrack(null);
        Assert.Empty(s.Send(2, Segment(true, 5001, 1001, 0x10)));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void What_closes_on_one_thread_is_closed_on_the_other(OffloadMode mode)
    {
        using OffloadedSwitch s = Switch(mode);
        Talk(s);
        ulong hits = s.Hits;
        Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x14)));
        s.Send(2, Segment(true, 5001, 1001, 0x10));
        Assert.Equal(hits, s.Hits);
        if (mode != OffloadMode.None) Assert.Equal(0, s.Offload.RuleCount);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_rule_stays_while_any_thread_uses_it(OffloadMode mode)
    {
        using OffloadedSwitch s = new(mode, "cookie=0x1,idle_timeout=5,udp actions=output:3", tcpSeqChk: mode != OffloadMode.Nic, pmds: 2);
        byte[] frame = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 17, NicFrame.UdpDatagram(1, 2, 10));
        s.Send(1, frame);
        for (int i = 1; i < 10; i++)
        {
            s.AdvanceTo(i * 2000);
            Assert.Equal([3u], s.Send(2, frame));
        }

        s.AdvanceTo(18_000 + 5_100);
        Assert.Empty(s.Simulator.Report().Rules);
        Assert.Empty(s.Send(1, frame));
    }

    [Fact]
    public void What_normal_learns_on_one_thread_the_other_s_megaflows_follow()
    {
        using OffloadedSwitch s = new(OffloadMode.None, "actions=normal", pmds: 2);
        byte[] toA = Ethernet(dst: 0xa, src: 0xb), fromA = Ethernet(dst: 0xc, src: 0xa);
        Assert.Equal([2u, 3u], s.Send(1, toA).Order());
        Assert.Equal([1u, 3u], s.Send(2, toA).Order());
        s.Send(3, fromA);
        Assert.Equal([3u], s.Send(1, toA));
        Assert.Equal([3u], s.Send(2, toA));
        s.Send(1, fromA);
        Assert.Equal([1u], s.Send(2, toA));
        Assert.Equal([1u], s.Send(3, toA));
    }

    [Fact]
    public void A_queue_that_moves_takes_its_connections_along()
    {
        using OffloadedSwitch s = Switch(OffloadMode.Soft);
        Talk(s);
        s.Simulator.MoveQueue(new RxQueueName(2, 0), 0);
        ulong before = s.Simulator.Datapath.Pmds[1].Thread.Stats.Rx;
        for (int i = 0; i < 4; i++) Assert.Equal([1u], s.Send(2, Segment(true, 5001, 1001, 0x10)));
        Assert.Equal(before, s.Simulator.Datapath.Pmds[1].Thread.Stats.Rx);
        Assert.True(s.Simulator.Audit().IsBalanced);

        // The rule for this direction now stands in both tables; the connection's end takes both out.
        Assert.Equal(3, s.Offload.RuleCount);
        s.Simulator.FlushConntrack(null);
        Assert.Equal(0, s.Offload.RuleCount);
    }

    private static OffloadedSwitch Switch(OffloadMode mode) => new(mode, Firewall, tcpSeqChk: mode != OffloadMode.Nic, pmds: 2);

    /// <summary>12 packets each way.</summary>
    private static void Talk(OffloadedSwitch s)
    {
        s.Handshake();
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
            Assert.Equal([1u], s.Send(2, Segment(true, 5001, 1001, 0x10)));
        }
    }

    private static byte[] Ethernet(byte dst, byte src) => [2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, 0x88, 0xb5, .. new byte[46]];
}
