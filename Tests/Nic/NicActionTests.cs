using System.Buffers.Binary;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class NicActionTests
{
    private static readonly FlowItem[] s_tcp4 = [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp()];
    private static readonly FlowItem[] s_udp4 = [new FlowItemEth(), new FlowItemIpv4(), new FlowItemUdp()];
    private static readonly FlowItem[] s_tcp6 = [new FlowItemEth(), new FlowItemIpv6(), new FlowItemTcp()];

    private static byte[] Run(byte[] frame, FlowItem[] pattern, params FlowAction[] actions)
    {
        using var bench = new NicBench();
        bench.Create(NicBench.Rule(pattern, [.. actions, new FlowActionPort(2)]));
        List<(uint Port, byte[] Frame)>? sent = bench.Receive(frame);
        Assert.NotNull(sent);
        (uint port, byte[] result) = Assert.Single(sent);
        Assert.Equal(2u, port);
        return result;
    }

    [Fact]
    public void Macs_are_written_under_their_masks()
    {
        byte[] frame = NicFrame.TcpIpv4();
        byte[] result = Run(frame, [new FlowItemEth()], new FlowActionSetMacDst(0x0a0b_0c0d_0e0f), new FlowActionSetMacSrc(new(0xffff_ffff_ffff, 0x0000_0000_00ff)));
        byte[] expected = [.. frame];
        ((byte[])[0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f]).CopyTo(expected, 0);
        expected[11] = 0xff;
        Assert.Equal(expected, result);
    }

    [Fact]
    public void IPv4_addresses_fix_all_checksums()
    {
        byte[] result = Run(NicFrame.TcpIpv4(), s_tcp4, new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetIpv4Dst(0x08080808));
        Assert.Equal(NicFrame.TcpIpv4(from: "192.168.1.1", to: "8.8.8.8"), result);
        result = Run(NicFrame.UdpIpv4(), s_udp4, new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetIpv4Dst(0x08080808));
        Assert.Equal(NicFrame.UdpIpv4(from: "192.168.1.1", to: "8.8.8.8"), result);
    }

    [Fact]
    public void Masked_address_keeps_the_other_bits()
        => Assert.Equal(NicFrame.TcpIpv4(from: "10.9.0.1"), Run(NicFrame.TcpIpv4(), s_tcp4, new FlowActionSetIpv4Src(new(0xff09ffff, 0x00ff0000))));

    [Fact]
    public void Ports_fix_the_transport_checksum()
    {
        Assert.Equal(NicFrame.TcpIpv4(4242, 8080), Run(NicFrame.TcpIpv4(), s_tcp4, new FlowActionSetTpSrc(4242), new FlowActionSetTpDst(8080)));
        Assert.Equal(NicFrame.UdpIpv4(4242, 8080), Run(NicFrame.UdpIpv4(), s_udp4, new FlowActionSetTpSrc(4242), new FlowActionSetTpDst(8080)));
        Assert.Equal(NicFrame.TcpIpv6(4242, 8080), Run(NicFrame.TcpIpv6(), s_tcp6, new FlowActionSetTpSrc(4242), new FlowActionSetTpDst(8080)));
    }

    [Fact]
    public void IPv6_addresses_fix_transport_checksums()
    {
        UInt128 src = new(0xfd00_0001_0002_0003, 0x0004_0005_0006_0007);
        UInt128 dst = new(0x2001_0db8_0000_0000, 0x0000_0000_0000_0001);
        byte[] expected = NicFrame.TcpIpv6(from: "fd00:1:2:3:4:5:6:7", to: "2001:db8::1");
        Assert.Equal(expected, Run(NicFrame.TcpIpv6(), s_tcp6, new FlowActionSetIpv6Src(src), new FlowActionSetIpv6Dst(dst)));
        byte[] echo = [128, 0, 0, 0, 0, 1, 0, 2, 9, 9];
        byte[] result = Run(NicFrame.New().Ipv6("fd00::1", "fd00::2", 58, echo), [new FlowItemEth(), new FlowItemIpv6()], new FlowActionSetIpv6Src(src), new FlowActionSetIpv6Dst(dst));
        Assert.Equal(NicFrame.New().Ipv6("fd00:1:2:3:4:5:6:7", "2001:db8::1", 58, echo), result);
    }

    [Fact]
    public void A_wrong_checksum_stays_wrong_by_the_same_amount()
    {
        const ushort error = 0x1234;
        byte[] frame = Damaged(NicFrame.TcpIpv4(), error);
        byte[] result = Run(frame, s_tcp4, new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(77), new FlowActionSetTtl(3), new FlowActionSetTos(0x20));
        byte[] expected = NicFrame.New().Ipv4("192.168.1.1", "10.0.0.2", NicFrame.Tcp, NicFrame.TcpSegment(77, 80, 0x10, 10), ttl: 3, tos: 0x20);
        Assert.Equal(Damaged(expected, error), result);

        static byte[] Damaged(byte[] frame, ushort error)
        {
            byte[] f = [.. frame];
            foreach (int at in (int[])[24, 50])
            {
                uint sum = BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(at)) + (uint)error;
                BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(at), (ushort)(sum + (sum >> 16)));
            }
            return f;
        }
    }

    [Fact]
    public void UDP_without_checksum_stays_without()
    {
        byte[] frame = NicFrame.UdpIpv4();
        frame[40] = frame[41] = 0;
        byte[] expected = NicFrame.UdpIpv4(1, 2, from: "192.168.1.1");
        expected[40] = expected[41] = 0;
        Assert.Equal(expected, Run(frame, s_udp4, new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(1), new FlowActionSetTpDst(2)));
    }

    [Fact]
    public void UDP_checksum_that_becomes_zero_is_sent_as_all_ones()
    {
        byte[] frame = NicFrame.UdpIpv4();
        ushort checksum = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(40));
        // The new port that makes the one's-complement sum all ones.
        uint port = 1000u + checksum;
        port = (port & 0xffff) + (port >> 16);
        byte[] result = Run(frame, s_udp4, new FlowActionSetTpSrc((ushort)port));
        Assert.Equal(0xffff, BinaryPrimitives.ReadUInt16BigEndian(result.AsSpan(40)));
        Assert.Equal(NicFrame.UdpIpv4((ushort)port), result);
    }

    [Fact]
    public void Later_fragments_keep_their_payload()
    {
        byte[] payload = NicFrame.TcpSegment(1, 2, 0x10, 40);
        byte[] frame = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 99, payload, fragment: 0x00b9);
        frame[14 + 9] = NicFrame.Tcp;
        byte[] result = Run(frame, [new FlowItemEth(), new FlowItemIpv4()], new FlowActionSetIpv4Dst(0x0a000063));
        Assert.Equal(payload, result[34..]);
        Assert.Equal([10, 0, 0, 99], result[30..34]);
    }

    [Fact]
    public void TTL_is_set_and_decremented()
    {
        Assert.Equal(NicFrame.TcpIpv4(ttl: 9), Run(NicFrame.TcpIpv4(), s_tcp4, new FlowActionSetTtl(9)));
        Assert.Equal(NicFrame.TcpIpv4(ttl: 63), Run(NicFrame.TcpIpv4(), s_tcp4, new FlowActionDecTtl()));
        Assert.Equal(NicFrame.TcpIpv4(ttl: 8), Run(NicFrame.TcpIpv4(), s_tcp4, new FlowActionSetTtl(9), new FlowActionDecTtl()));
        byte[] result = Run(NicFrame.TcpIpv6(), s_tcp6, new FlowActionDecTtl());
        Assert.Equal(63, result[14 + 7]);
    }

    [Theory]
    [InlineData(0, 1, false)]
    [InlineData(1, 1, false)]
    [InlineData(2, 1, true)]
    [InlineData(2, 2, false)]
    [InlineData(3, 2, true)]
    public void A_TTL_that_would_not_stay_above_zero_goes_to_software(byte ttl, int decrements, bool hits)
    {
        using var bench = new NicBench();
        FlowAction[] actions = [.. Enumerable.Repeat(new FlowActionDecTtl(), decrements), new FlowActionCount(), new FlowActionPort(2)];
        NicHandle handle = bench.Create(NicBench.Rule(s_tcp4, actions));
        Assert.Equal(hits, bench.Receive(NicFrame.TcpIpv4(ttl: ttl)) is not null);
        Assert.Equal(hits ? 1ul : 0, bench.Destroy(handle).Hits);
    }

    [Fact]
    public void TOS_is_written_under_its_mask()
    {
        byte[] segment = NicFrame.TcpSegment(1000, 80, 0x10, 10);
        byte[] frame = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment, tos: 0x03);
        Assert.Equal(NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment, tos: 0xbb), Run(frame, s_tcp4, new FlowActionSetTos(new(0xb8, 0xfc))));
        byte[] six = NicFrame.New().Ipv6("fd00::1", "fd00::2", NicFrame.Tcp, segment, trafficClass: 0x03);
        Assert.Equal(NicFrame.New().Ipv6("fd00::1", "fd00::2", NicFrame.Tcp, segment, trafficClass: 0xbb), Run(six, s_tcp6, new FlowActionSetTos(new(0xb8, 0xfc))));
    }

    [Fact]
    public void VLAN_tags_are_pushed_set_and_popped()
    {
        byte[] segment = NicFrame.TcpSegment(1000, 80, 0x10, 10);
        byte[] plain = NicFrame.TcpIpv4();
        byte[] tagged = NicFrame.New().Vlan(0x6005).Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment);
        byte[] twice = NicFrame.New().Vlan(0x0007, 0x88a8).Vlan(0x6005).Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment);
        Assert.Equal(tagged, Run(plain, s_tcp4, new FlowActionOfPushVlan(0x8100), new FlowActionOfSetVlanTci(0x6005)));
        Assert.Equal(plain, Run(tagged, [new FlowItemEth(), new FlowItemVlan()], new FlowActionOfPopVlan()));
        Assert.Equal(twice, Run(tagged, [new FlowItemEth(), new FlowItemVlan()], new FlowActionOfPushVlan(0x88a8), new FlowActionOfSetVlanTci(7)));
        Assert.Equal(tagged, Run(twice, [new FlowItemEth(), new FlowItemVlan(), new FlowItemVlan()], new FlowActionOfPopVlan()));
        Assert.Equal(plain, Run(twice, [new FlowItemEth(), new FlowItemVlan(), new FlowItemVlan()], new FlowActionOfPopVlan(), new FlowActionOfPopVlan()));
        byte[] otherVid = NicFrame.New().Vlan(0x6009).Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, segment);
        Assert.Equal(otherVid, Run(tagged, [new FlowItemEth(), new FlowItemVlan()], new FlowActionOfSetVlanTci(new(9, 0xfff))));
    }

    [Fact]
    public void Rewrites_find_their_headers_after_a_push()
    {
        byte[] segment = NicFrame.TcpSegment(5, 80, 0x10, 10);
        byte[] expected = NicFrame.New().Vlan(0).Ipv4("192.168.1.1", "10.0.0.2", NicFrame.Tcp, segment, ttl: 63);
        Assert.Equal(expected, Run(NicFrame.TcpIpv4(), s_tcp4, new FlowActionOfPushVlan(0x8100), new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(5), new FlowActionDecTtl()));
    }

    [Fact]
    public void MPLS_labels_are_pushed_set_and_popped()
    {
        byte[] plain = NicFrame.TcpIpv4();
        byte[] ip = plain[14..];
        byte[] labelled = NicFrame.New().Type(0x8847, [0, 1, 0x01, 64, .. ip]);
        byte[] twice = NicFrame.New().Type(0x8847, [0, 2, 0x00, 9, 0, 1, 0x01, 64, .. ip]);
        Assert.Equal(labelled, Run(plain, s_tcp4, new FlowActionOfPushMpls(0x8847, 0x00010140)));
        Assert.Equal(twice, Run(labelled, [new FlowItemEth(), new FlowItemMpls()], new FlowActionOfPushMpls(0x8847, 0x00020009)));
        Assert.Equal(plain, Run(labelled, [new FlowItemEth(), new FlowItemMpls()], new FlowActionOfPopMpls(0x0800)));
        Assert.Equal(labelled, Run(twice, [new FlowItemEth(), new FlowItemMpls()], new FlowActionOfPopMpls(0x8847)));
        byte[] set = [.. labelled];
        set[17] = 5;
        Assert.Equal(set, Run(labelled, [new FlowItemEth(), new FlowItemMpls()], new FlowActionOfSetMpls(new(5, 0xff))));
        byte[] tagged = NicFrame.New().Vlan(5).Type(0x0800, ip);
        Assert.Equal(NicFrame.New().Vlan(5).Type(0x8847, [0, 1, 0x01, 64, .. ip]), Run(tagged, [new FlowItemEth(), new FlowItemVlan()], new FlowActionOfPushMpls(0x8847, 0x00010140)));
    }

    [Fact]
    public void Each_output_sees_the_frame_as_it_is_then()
    {
        using var bench = new NicBench();
        bench.Create(NicBench.Rule(s_tcp4, new FlowActionPort(5), new FlowActionSetTtl(9), new FlowActionPort(6), new FlowActionPort(7)));
        List<(uint Port, byte[] Frame)>? sent = bench.Receive(NicFrame.TcpIpv4());
        Assert.NotNull(sent);
        Assert.Equal([5u, 6u, 7u], sent.Select(static s => s.Port));
        Assert.Equal([NicFrame.TcpIpv4(), NicFrame.TcpIpv4(ttl: 9), NicFrame.TcpIpv4(ttl: 9)], sent.Select(static s => s.Frame));
    }

    [Fact]
    public void A_sample_works_on_a_copy()
    {
        using var bench = new NicBench();
        bench.Create(NicBench.Rule(s_tcp4, new FlowActionSetTtl(9),
            new FlowActionSample([new FlowActionOfPushVlan(0x8100), new FlowActionSetTpSrc(5), new FlowActionPort(5)]), new FlowActionDecTtl(), new FlowActionPort(6)));
        List<(uint Port, byte[] Frame)>? sent = bench.Receive(NicFrame.TcpIpv4());
        Assert.NotNull(sent);
        byte[] copy = NicFrame.New().Vlan(0).Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, NicFrame.TcpSegment(5, 80, 0x10, 10), ttl: 9);
        Assert.Equal([5u, 6u], sent.Select(static s => s.Port));
        Assert.Equal([copy, NicFrame.TcpIpv4(ttl: 8)], sent.Select(static s => s.Frame));
    }

    [Fact]
    public void Drop_takes_the_frame_and_sends_nothing()
    {
        using var bench = new NicBench();
        NicHandle handle = bench.Create(NicBench.Rule(s_tcp4, new FlowActionCount(), new FlowActionDrop()));
        List<(uint Port, byte[] Frame)>? sent = bench.Receive(NicFrame.TcpIpv4());
        Assert.NotNull(sent);
        Assert.Empty(sent);
        Assert.Equal(new NicCounters(1, 64, 0), bench.Destroy(handle));
    }

    [Fact]
    public void Padding_behind_the_datagram_is_kept()
    {
        byte[] frame = [.. NicFrame.TcpIpv4(), 0xaa, 0xbb, 0xcc];
        byte[] result = Run(frame, s_tcp4, new FlowActionSetIpv4Src(0xc0a80101));
        Assert.Equal([.. NicFrame.TcpIpv4(from: "192.168.1.1"), 0xaa, 0xbb, 0xcc], result);
    }
}
