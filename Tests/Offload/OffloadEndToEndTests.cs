using Xunit;
using static Mergeflow.Tests.OffloadedSwitch;

namespace Mergeflow.Tests;

/// <summary>Hazards that need the whole switch: what software knows after hardware did the work, and what hardware must not keep doing.</summary>
public sealed class OffloadEndToEndTests
{
    private const string Firewall =
        """
        cookie=0x1,table=0,priority=9,ip,in_port=1 actions=ct(table=1,zone=5)
        cookie=0x2,table=0,priority=9,ip,in_port=2 actions=ct(table=1,zone=5)
        cookie=0x3,table=1,priority=9,ct_state=+trk+new,ip,in_port=1 actions=ct(commit,zone=5),output:2
        cookie=0x4,table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:2
        cookie=0x5,table=1,priority=8,ct_state=+trk+est,ip,in_port=2 actions=output:1
        cookie=0x6,table=1,priority=7,ct_state=+trk+inv,ip actions=output:3
        """;

    public static TheoryData<OffloadMode> Devices => [OffloadMode.Soft, OffloadMode.Nic];

    [Fact]
    public void The_TCP_window_is_not_stale_when_a_flow_returns_to_software()
    {
        // 20 MB go through the merged rules; without their sequence numbers the FIN would lie far outside the window.
        using OffloadedSwitch s = new(OffloadMode.Soft, Firewall);
        s.Handshake();
        uint seq = 1001;
        for (int i = 0; i < 20_000; i++, seq += 1000)
        {
            Assert.Equal([2u], s.Send(1, Segment(false, seq, 5001, 0x18, payload: 1000)));
            Assert.Equal([1u], s.Send(2, Segment(true, 5001, seq + 1000, 0x10)));
        }

        Assert.InRange(s.Hits, 39_000ul, 40_000ul);
        Assert.Equal([2u], s.Send(1, Segment(false, seq, 5001, 0x11)));
        Assert.Equal([1u], s.Send(2, Segment(true, 5001, seq + 1, 0x11)));
    }

    [Fact]
    public void A_segment_outside_the_window_is_invalid_on_the_soft_device_too()
    {
        using OffloadedSwitch s = new(OffloadMode.Soft, Firewall);
        s.Handshake();
        for (int i = 0; i < 5; i++) Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
        ulong hits = s.Hits;
        Assert.True(hits > 0);
        Assert.Equal([3u], s.Send(1, Segment(false, 5_001_001, 5001, 0x18, payload: 10)));
        Assert.Equal(hits, s.Hits);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_reset_closes_the_connection_for_the_device_as_well(OffloadMode mode)
    {
        using OffloadedSwitch s = new(mode, Firewall, tcpSeqChk: mode != OffloadMode.Nic);
        s.Handshake();
        for (int i = 0; i < 5; i++) Assert.Equal([2u], s.Send(1, Segment(false, 1001, 5001, 0x10)));
        Assert.True(s.Hits > 0);
        s.Send(1, Segment(false, 1001, 5001, 0x14));
        ulong hits = s.Hits;
        s.Send(1, Segment(false, 1001, 5001, 0x10));
        Assert.Equal(hits, s.Hits);
        Assert.Empty(s.Offload.Report.Rules());
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_SYN_on_a_closed_connection_starts_a_new_one(OffloadMode mode)
    {
        using OffloadedSwitch s = new(mode, Firewall, tcpSeqChk: mode != OffloadMode.Nic);
        s.Handshake();
        for (int i = 0; i < 5; i++) s.Send(1, Segment(false, 1001, 5001, 0x10));
        s.Send(1, Segment(false, 1001, 5001, 0x11));
        s.Send(2, Segment(true, 5001, 1002, 0x11));
        s.Send(1, Segment(false, 1002, 5002, 0x10));
        ulong hits = s.Hits;
        s.Handshake(isn: 900_000);
        for (int i = 0; i < 5; i++) Assert.Equal([2u], s.Send(1, Segment(false, 900_001, 5001, 0x10)));
        Assert.True(s.Hits > hits);
        Assert.Equal("ESTABLISHED", Assert.Single(s.Simulator.Report().Connections).State);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_flow_mod_revokes_before_it_returns(OffloadMode mode)
    {
        using OffloadedSwitch s = new(mode, Firewall, tcpSeqChk: mode != OffloadMode.Nic);
        s.Handshake();
        for (int i = 0; i < 5; i++) s.Send(1, Segment(false, 1001, 5001, 0x10));
        Assert.True(s.Hits > 0);
        s.Change("cookie=0x9,table=1,priority=20,ct_state=+trk+est,ip,in_port=1 actions=drop");
        Assert.Empty(s.Send(1, Segment(false, 1001, 5001, 0x10)));
        Assert.Equal([1u], s.Send(2, Segment(true, 5001, 1001, 0x10)));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_flush_revokes_before_it_returns(OffloadMode mode)
    {
        using OffloadedSwitch s = new(mode, Firewall, tcpSeqChk: mode != OffloadMode.Nic);
        s.Handshake();
        for (int i = 0; i < 5; i++) s.Send(2, Segment(true, 5001, 1001, 0x10));
        Assert.True(s.Hits > 0);
        s.Simulator.FlushConntrack(zone: 5);
        Assert.Empty(s.Send(2, Segment(true, 5001, 1001, 0x10)));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Hits_keep_the_connection_alive_and_silence_lets_it_expire(OffloadMode mode)
    {
        using OffloadedSwitch s = new(mode, Firewall, tcpSeqChk: mode != OffloadMode.Nic);
        byte[] there = NicFrame.UdpIpv4();
        byte[] back = NicFrame.UdpIpv4(53, 1000, "10.0.0.2", "10.0.0.1");
        s.Send(1, there);
        s.Send(2, back);
        s.Send(2, back);
        // Less than the idle time of a megaflow, more in sum than that of the connection.
        for (long t = 8_000; t <= 200_000; t += 8_000)
        {
            s.AdvanceTo(t);
            Assert.Equal([1u], s.Send(2, back));
        }

        Assert.True(s.Hits >= 20, $"{s.Hits} hits");
        s.AdvanceTo(200_000 + 29_999);
        Assert.Equal([1u], s.Send(2, back));
        s.AdvanceTo(230_000 + 30_000);
        Assert.Empty(s.Send(2, back));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Counters_of_every_rule_of_the_chain_are_those_of_software(OffloadMode mode)
    {
        Dictionary<ulong, (ulong Packets, ulong Bytes)>[] books = new Dictionary<ulong, (ulong, ulong)>[2];
        for (int run = 0; run < 2; run++)
        {
            using OffloadedSwitch s = new(run == 0 ? OffloadMode.None : mode, Firewall, tcpSeqChk: mode != OffloadMode.Nic);
            s.Handshake();
            for (uint i = 0; i < 50; i++)
            {
                s.Send(1, Segment(false, 1001 + (i * 10), 5001, 0x18, payload: 10));
                s.Send(2, Segment(true, 5001, 1011 + (i * 10), 0x10));
                if (i % 10 == 9) s.AdvanceTo(i);
            }

            books[run] = s.Simulator.Report().Rules.ToDictionary(static r => r.Cookie, static r => (r.Packets, r.Bytes));
        }

        Assert.Equal(books[0], books[1]);
    }

    /// <summary>A label goes in front of an 802.2 header's bytes or behind them, depending on whether the frame was parsed in between: no device has to know.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void An_802_3_frame_is_left_to_software(OffloadMode mode)
    {
        const string flows = "ip actions=push_mpls:0x8847,output:2,pop_mpls:0x0800,output:3";
        byte[] plain = Segment(false, 1001, 5001, 0x10);
        byte[] snap = [.. plain.AsSpan(0, 12), 0, 48, 0xaa, 0xaa, 3, 0, 0, 0, .. plain.AsSpan(12)];
        using OffloadedSwitch software = new(OffloadMode.None, flows), s = new(mode, flows, tcpSeqChk: mode != OffloadMode.Nic);
        for (int i = 0; i < 4; i++)
        {
            foreach (byte[] frame in (byte[][])[plain, snap])
            {
                Assert.Equal([2u, 3u], software.Send(1, frame));
                Assert.Equal([2u, 3u], s.Send(1, frame));
                Assert.Equal(software.LastFrame, s.LastFrame);
            }
        }

        Assert.Equal(3ul, s.Hits);
    }
}
