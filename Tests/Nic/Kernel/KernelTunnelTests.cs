using System.Buffers.Binary;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Rules of the kernel's table that take outer headers off and put them on, frame by frame, by XDP and by tc. What should leave is put together here, sums the long way round.</summary>
public sealed class KernelTunnelTests
{
    private const string Own = "192.0.2.1", Peer = "192.0.2.2";
    private const uint Option = 0x0002_0003;

    private static readonly FlowItem[] s_tcp4 = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemTcp()];
    private static readonly FlowItem[] s_udp4 = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemUdp { Dst = 53 }];
    private static readonly FlowItem[] s_tcp6 = [new FlowItemEth { Type = 0x86dd }, new FlowItemIpv6(), new FlowItemTcp()];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_inside_leaves_by_its_own_rule_and_both_rules_count(bool isTc)
    {
        using KernelTunnelBench bench = new(isTc);
        NicHandle outside = bench.AddOutside(), inside = bench.Add(9, Inside(5, s_tcp4, Option), new FlowActionDecTtl(), new FlowActionSetIpv4Src(0x0a000009), new FlowActionPort(2));
        NicHandle other = bench.Add(9, Inside(6, s_tcp6), new FlowActionPort(3));
        byte[] inner = NicFrame.TcpIpv4(), frame = Geneve(5, Option, inner);
        Assert.Equal(Convert.ToHexString(NicFrame.TcpIpv4(from: "10.0.0.9", ttl: 63)), Convert.ToHexString(bench.Takes(frame)));
        Assert.Equal(Convert.ToHexString(NicFrame.TcpIpv6()), Convert.ToHexString(bench.Takes(Geneve(6, null, NicFrame.TcpIpv6()))));
        Assert.Equal((1ul, (ulong)inner.Length), bench.CountersOf(inside));
        Assert.Equal(1ul, bench.CountersOf(other).Hits);
        Assert.Equal((2ul, (ulong)(frame.Length + Geneve(6, null, NicFrame.TcpIpv6()).Length)), bench.CountersOf(outside));
        Assert.Equal(new KernelPortTotals(2, (ulong)(inner.Length + NicFrame.TcpIpv6().Length), 0, 0), bench.Nic.TotalsOf(9));
        Assert.Equal(2ul, bench.Nic.Total().RxPackets);

        // Without the one outside nothing comes out of the tunnel.
        bench.Destroy(outside);
        bench.Misses(frame);
        outside = bench.AddOutside();
        bench.Takes(frame);
        bench.Destroy(inside);
        bench.Misses(frame);
        Assert.Equal(1ul, bench.CountersOf(outside).Hits);
    }

    public static TheoryData<string, byte[]> Left
    {
        get
        {
            byte[] inner = NicFrame.TcpIpv4();
            return new()
            {
                { "other id", Geneve(7, Option, inner) },
                { "other option", Geneve(5, Option + 1, inner) },
                { "no option", Geneve(5, null, inner) },
                { "option of another class", Changed(Geneve(5, Option, inner), 50, 0x03) },
                { "option beyond the header", Changed(Geneve(5, Option, inner), 53, 0x05) },
                { "options beyond the frame", Changed(Geneve(5, Option, inner), 42, 0x3f) },
                { "version", Changed(Geneve(5, Option, inner), 42, 0x42) },
                { "inner protocol", Changed(Geneve(5, Option, inner), 44, 0x08) },
                { "UDP length too short", Changed(Geneve(5, Option, inner), 39, 9) },
                { "UDP length too long", Changed(Geneve(5, Option, inner), 38, 9) },
                { "outer length too short", Ip(Geneve(5, Option, inner), static ip => ip[3]--) },
                { "outer length too long", Ip(Geneve(5, Option, inner), static ip => ip[2]++) },
                { "outer fragment", Ip(Geneve(5, Option, inner), static ip => ip[6] = 0x20) },
                { "outer header sum", Changed(Geneve(5, Option, inner), 24, 0x55) },
                { "bytes behind the outer packet", [.. Geneve(5, Option, inner), 0, 0] },
                { "outer cut", Geneve(5, Option, inner)[..^1] },
                { "inner cut", Geneve(5, Option, inner[..40]) },
                { "inner runt", Geneve(5, Option, inner[..13]) },
                { "nothing inside", Geneve(5, Option, []) },
                { "inner header sum", Geneve(5, Option, Changed(inner, 24, 0x55)) },
                { "inner fragment", Geneve(5, Option, NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 6, NicFrame.TcpSegment(1000, 80, 16, 9), fragment: 0x2000)) },
                { "inner TTL", Geneve(5, Option, NicFrame.TcpIpv4(ttl: 1)) },
                { "inner ARP", Geneve(5, Option, NicFrame.New().Type(0x0806, new byte[28])) },
                { "a tunnel inside", Geneve(5, Option, Geneve(5, Option, inner)) },
                { "tagged outside", [.. Geneve(5, Option, inner)[..12], 0x81, 0, 0, 5, .. Geneve(5, Option, inner)[12..]] },
            };
        }
    }

    [Fact]
    public void What_a_rule_for_tunnels_is_not_for_is_left_as_it_came()
    {
        foreach (bool isTc in new[] { false, true })
        {
            using KernelTunnelBench bench = new(isTc);
            bench.AddOutside();
            bench.Add(9, Inside(5, s_tcp4, Option), new FlowActionDecTtl(), new FlowActionPort(2));
            bench.Takes(Geneve(5, Option, NicFrame.TcpIpv4()));
            foreach ((string name, byte[] frame) in Left.Select(static row => row.Data)) bench.Misses(frame, name);
            Assert.InRange(bench.Nic.LeftFor(KernelLeft.OuterHeader), 9ul, 14ul);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Outer_headers_have_lengths_and_sums_of_their_own(bool isTc)
    {
        using KernelTunnelBench bench = new(isTc);
        byte[] vxlan = Header(4789, [8, 0, 0, 0, 0, 0, 7, 0], hasSum: false), geneve = Header(6081, [2, 0x40, 0x65, 0x58, 0, 0, 5, 0, 1, 2, 0x80, 1, 0, 2, 0, 3], hasSum: true);
        NicHandle tcp = bench.Add(1, s_tcp4, new FlowActionDecTtl(), new FlowActionSetIpv4Dst(0x0a000009), new FlowActionSetTpDst(8080), new FlowActionTunnelEncap(9, FlowTunnelType.Geneve, geneve), new FlowActionPort(2));
        bench.Add(1, s_udp4, new FlowActionSetMacDst(0x0a0b_0c0d_0e0f), new FlowActionTunnelEncap(10, FlowTunnelType.Vxlan, vxlan), new FlowActionPort(2));
        bench.Add(1, s_tcp6, new FlowActionDecTtl(), new FlowActionTunnelEncap(9, FlowTunnelType.Geneve, geneve), new FlowActionPort(2));
        byte[] frame = NicFrame.TcpIpv4();
        Check(bench.Takes(frame), geneve, NicFrame.TcpIpv4(dst: 8080, to: "10.0.0.9", ttl: 63));
        Assert.Equal((1ul, (ulong)frame.Length), bench.CountersOf(tcp));
        Assert.Equal(new KernelPortTotals(0, 0, 1, (ulong)frame.Length), bench.Nic.TotalsOf(9));
        Assert.Equal(new KernelPortTotals(0, 0, 1, (ulong)(frame.Length + geneve.Length)), bench.Nic.TotalsOf(2));
        byte[] udp = NicFrame.UdpIpv4();
        Check(bench.Takes(udp), vxlan, [10, 11, 12, 13, 14, 15, .. udp[6..]]);
        byte[] tcp6 = NicFrame.TcpIpv6();
        Check(bench.Takes(tcp6), geneve, [.. tcp6[..21], 63, .. tcp6[22..]]);

        // A flow has one source port, and others have others.
        Assert.Equal(SourceOf(bench.Takes(frame)), SourceOf(bench.Takes(NicFrame.TcpIpv4(payload: 30))));
        Assert.NotEqual(1, Enumerable.Range(1, 8).Select(i => SourceOf(bench.Takes(NicFrame.TcpIpv4((ushort)i)))).Distinct().Count());

        // What stands behind the IP packet has no part in its sum; longer than the MTU, with headers; and one whose sum nobody knows.
        bench.Misses([.. frame, 0, 0], "padded");
        bench.Misses(NicFrame.TcpIpv4(payload: 1500 - 40 - 58 + 1), "too long outside");
        bench.Takes(NicFrame.TcpIpv4(payload: 1500 - 40 - 58));
        Assert.Equal(1ul, bench.Nic.LeftFor(KernelLeft.ChecksumInside));
    }

    [Fact]
    public void XDP_keeps_tags_inside_and_tc_refuses_them()
    {
        byte[] header = Header(4789, [8, 0, 0, 0, 0, 0, 7, 0], hasSum: false), tagged = NicFrame.New().Vlan(9).Ipv4("1.2.3.4", "5.6.7.8", 17, NicFrame.UdpDatagram(7, 8, 20));
        FlowItem[] pattern = [new FlowItemEth { Type = 0x0800 }, new FlowItemVlan { Tci = new(9, 0xfff) }, new FlowItemIpv4(), new FlowItemUdp { Dst = 8 }];
        FlowAction[] keep = [new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, header), new FlowActionPort(2)];
        using KernelTunnelBench xdp = new(isTc: false), tc = new(isTc: true);
        NicHandle kept = xdp.Add(1, pattern, keep);
        Check(xdp.Takes(tagged), header, tagged);
        xdp.Destroy(kept);
        xdp.Add(1, pattern, [new FlowActionOfPopVlan(), .. keep]);
        Check(xdp.Takes(tagged), header, [.. tagged[..12], .. tagged[16..]]);
        Assert.Equal("tunnel_encap of tagged frames by tc", tc.Nic.Validate(new FlowRule(new FlowAttr(1), pattern, keep))?.Subject);
        Assert.Null(tc.Nic.Validate(new FlowRule(new FlowAttr(1), pattern, [new FlowActionOfPopVlan(), .. keep])));
    }

    public static TheoryData<string, bool, uint, FlowItem[], FlowAction[]> Refused => new()
    {
        { "tunnel_encap of GRE with a checksum", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Gre, GreHeader([0x80, 0, 0x65, 0x58, 0, 0, 0, 0])), new FlowActionPort(2)] },
        { "tunnel_encap of GRE with a sequence number", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Gre, GreHeader([0x10, 0, 0x65, 0x58, 0, 0, 0, 0])), new FlowActionPort(2)] },
        { "tunnel_encap of GRE with unknown flags", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Gre, GreHeader([0x20, 1, 0x65, 0x58, 0, 0, 0, 0])), new FlowActionPort(2)] },
        { "tunnel_encap with IP protocol 17", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Gre, Header(4789, new byte[8], false)), new FlowActionPort(2)] },
        { "tunnel_encap of 42 bytes", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(4789, [], false)), new FlowActionPort(2)] },
        { "tunnel_encap over what is neither IPv4 without options nor IPv6", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, NicFrame.New().Type(0x0806, new byte[36])), new FlowActionPort(2)] },
        { "tunnel_encap of 66 bytes", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(4789, new byte[24], false)), new FlowActionPort(2)] },
        { "tunnel_encap of 82 bytes", false, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(4789, new byte[40], false)), new FlowActionPort(2)] },
        { "tunnel_encap of 38 bytes", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Gre, GreHeader([0x20, 0, 0x65, 0x58])), new FlowActionPort(2)] },
        { "tunnel_encap of 42 bytes", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Gre, GreHeader([0, 0, 0x65, 0x58, 0, 0, 0, 0])), new FlowActionPort(2)] },
        { "tunnel_encap of 86 bytes", true, 1, s_tcp4, [new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, NicFrame.New().Ipv6("fd00::1", "fd00::2", 17, new byte[32])), new FlowActionPort(2)] },
        { "tunnel_encap beside another output", true, 1, s_tcp4, [new FlowActionPort(3), new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(4789, new byte[8], false)), new FlowActionPort(2)] },
        { "a change of tags in front of tunnel_encap", false, 1, s_tcp4, [new FlowActionOfPushVlan(0x8100), new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(4789, new byte[8], false)), new FlowActionPort(2)] },
        { "tunnel_decap of what is not GRE over IPv4", true, 1, s_udp4, [new FlowActionTunnelDecap(9, FlowTunnelType.Gre)] },
        { "tunnel_decap over IPv6", true, 1, [new FlowItemEth { Type = 0x86dd }, new FlowItemIpv6(), new FlowItemUdp { Dst = 4789 }], [new FlowActionTunnelDecap(9, FlowTunnelType.Vxlan)] },
        { "tunnel_decap of what is not UDP over IPv4", true, 1, s_tcp4, [new FlowActionTunnelDecap(9, FlowTunnelType.Vxlan)] },
        { "tunnel_decap inside a tunnel", false, 9, Inside(5, s_udp4), [new FlowActionTunnelDecap(9, FlowTunnelType.Vxlan)] },
        { "tunnel_encap inside a tunnel by tc", true, 9, Inside(5, s_udp4), [new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(4789, new byte[8], false)), new FlowActionPort(2)] },
        { "tags inside a tunnel by tc", true, 9, [new FlowItemTunnel(), new FlowItemEth(), new FlowItemVlan()], [new FlowActionPort(2)] },
        { "several outputs by XDP", false, 1, s_tcp4, [new FlowActionPort(2), new FlowActionPort(3)] },
        { "more than 8 outputs", true, 1, s_tcp4, [.. Enumerable.Range(2, 9).Select(static i => new FlowActionPort((uint)i))] },
        { "of_pop_vlan behind an output", true, 1, [new FlowItemEth(), new FlowItemVlan()], [new FlowActionPort(2), new FlowActionOfPopVlan(), new FlowActionPort(3)] },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_the_form_of_the_program_cannot_do_is_refused_with_a_reason(string subject, bool isTc, uint port, FlowItem[] pattern, FlowAction[] actions)
    {
        using KernelTunnelBench bench = new(isTc);
        FlowError? error = bench.Nic.Validate(new FlowRule(new FlowAttr(port), pattern, actions));
        Assert.Equal((subject, FlowErrno.NotSupported), (error?.Subject, error?.Errno ?? FlowErrno.Invalid));
    }

    /// <summary>A rule without tunnels costs what it did: the program for it is the same, and it is again when the last rule with one is gone and the program is written anew.</summary>
    [Fact]
    public void A_program_without_tunnels_has_none_of_their_instructions()
    {
        using KernelTunnelBench bench = new(isTc: true);
        bench.Add(1, s_tcp4, new FlowActionDecTtl(), new FlowActionPort(2));
        int plain = bench.Nic.Program.Count;
        NicHandle encap = bench.Add(1, s_udp4, new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(4789, new byte[8], false)), new FlowActionPort(2));
        Assert.InRange(bench.Nic.Program.Count, plain + 100, int.MaxValue);
        bench.Destroy(encap);
        bench.Add(1, s_udp4, new FlowActionPort(2));
        bench.Add(1, s_tcp6, new FlowActionPort(2));
        int two = bench.Nic.Program.Count;
        using KernelTunnelBench other = new(isTc: true);
        other.Add(1, s_tcp4, new FlowActionPort(2));
        other.Add(1, s_udp4, new FlowActionPort(2));
        other.Add(1, s_tcp6, new FlowActionPort(2));
        Assert.Equal(other.Nic.Program.Count, two);
    }

    public static TheoryData<string, byte, byte, short> Faults => new()
    {
        { "UDP length not written", 0x6b, 0x37, 38 },
        { "IP length not written", 0x6b, 0x27, 16 },
        { "UDP checksum not written", 0x6b, 0x47, 40 },
        { "source port not written", 0x6b, 0x07, 34 },
    };

    /// <summary>The control: a program without one of its stores is found out by the tests above.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public void A_broken_program_is_found_out(string fault, byte code, byte registers, short offset)
    {
        int broken = 0;
        KernelNic.Broken.Value = all => [.. all.Select(i =>
        {
            if (i.Code != code || i.Registers != registers || i.Offset != offset) return i;
            broken++;
            return new BpfInstruction(0x05, 0, 0, 0);
        })];
        try
        {
            Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Outer_headers_have_lengths_and_sums_of_their_own(isTc: false));
        }
        finally
        {
            KernelNic.Broken.Value = null;
        }

        Assert.True(broken > 0, fault);
    }

    private static FlowItem[] Inside(uint id, FlowItem[] pattern, uint? option = null)
        => [new FlowItemTunnel { Id = (ulong)id, HasOption = option is null ? default : (byte)1, Option = option is { } o ? (ulong)o : default(Masked<ulong>), Src = 0xc000_0202 }, .. pattern];

    private static byte[] Geneve(uint id, uint? option, byte[] inner)
    {
        byte[] tail = option is { } o ? [1, 2, 0x80, 1, (byte)(o >> 24), (byte)(o >> 16), (byte)(o >> 8), (byte)o] : [];
        int size = 16 + tail.Length + inner.Length;
        byte[] frame = NicFrame.New().Ipv4(Peer, Own, 17, [0x80, 0, 0x17, 0xc1, (byte)(size >> 8), (byte)size, 0, 0, (byte)(tail.Length / 4), 0x40, 0x65, 0x58, 0, 0, (byte)id, 0, .. tail, .. inner]);
        frame[40] = frame[41] = 0;
        return frame;
    }

    /// <summary>Outer headers as a rule has them.</summary>
    private static byte[] Header(ushort port, byte[] tunnel, bool hasSum)
    {
        byte[] frame = NicFrame.New().Ipv4(Own, Peer, 17, [0, 0, (byte)(port >> 8), (byte)port, 0, 0, 0, 0, .. tunnel], tos: 4);
        frame[16] = frame[17] = 0;
        NicFrame.SetIpv4Checksum(frame);
        frame[40] = frame[41] = hasSum ? (byte)0xff : (byte)0;
        return frame;
    }

    private static byte[] GreHeader(byte[] gre) => NicFrame.New().Ipv4(Own, Peer, 47, gre);

    private static void Check(byte[] left, byte[] header, byte[] inner)
    {
        Assert.Equal(Convert.ToHexString(inner), Convert.ToHexString(left[header.Length..]));
        Assert.Equal((left.Length - 14, left.Length - 34), (BinaryPrimitives.ReadUInt16BigEndian(left.AsSpan(16)), BinaryPrimitives.ReadUInt16BigEndian(left.AsSpan(38))));
        Assert.Equal(0, NicFrame.Checksum(left.AsSpan(14, 20)));
        Assert.InRange(SourceOf(left), 32_768, 60_999);
        bool hasSum = header[40] != 0;
        Assert.Equal(hasSum, (left[40] | left[41]) != 0);
        if (hasSum) Assert.Equal(0, NicFrame.Checksum([.. left[26..34], 0, 17, .. left[38..40], .. left[34..]]));
        foreach (int at in new[] { 16, 17, 24, 25, 34, 35, 38, 39, 40, 41 }) left[at] = header[at];
        Assert.Equal(Convert.ToHexString(header), Convert.ToHexString(left[..header.Length]));
    }

    private static int SourceOf(byte[] left) => BinaryPrimitives.ReadUInt16BigEndian(left.AsSpan(34));

    private static byte[] Changed(byte[] frame, int at, byte value)
    {
        byte[] changed = [.. frame];
        changed[at] = value;
        return changed;
    }

    /// <summary>The outer IP header changed, and its sum right.</summary>
    private static byte[] Ip(byte[] frame, Action<byte[]> change)
    {
        byte[] ip = frame[14..34];
        change(ip);
        byte[] changed = [.. frame[..14], .. ip, .. frame[34..]];
        NicFrame.SetIpv4Checksum(changed);
        return changed;
    }
}
