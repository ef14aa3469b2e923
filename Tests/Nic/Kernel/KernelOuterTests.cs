using System.Buffers.Binary;
using System.Net;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Outer headers with IPv6 and with GRE, frame by frame, by XDP and by tc. What should leave is put together here from RFC 768, 2784, 2890, 7348, 8200 and 8926, sums the long way round.</summary>
public sealed class KernelOuterTests
{
    private const int Udp = 17, Gre = 47;
    private const uint Own4 = 0xc000_0201, Peer4 = 0xc000_0202;

    private static readonly byte[] s_macs = [2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 2, 2];
    private static readonly byte[] s_vxlan = [8, 0, 0, 0, 0, 0, 7, 0];
    private static readonly byte[] s_geneve = [0, 0, 0x65, 0x58, 0, 0, 5, 0];
    private static readonly byte[] s_geneve4 = [2, 0x40, 0x65, 0x58, 0, 0, 5, 0, 1, 2, 0x80, 1, 0, 2, 0, 3];
    private static readonly byte[] s_geneve8 = [3, 0x40, 0x65, 0x58, 0, 0, 5, 0, 1, 2, 0x80, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    private static readonly byte[] s_gre = [0, 0, 0x65, 0x58];
    private static readonly byte[] s_greKey = [0x20, 0, 0x65, 0x58, 0xfe, 0xdc, 0xba, 0x98];

    private static readonly FlowItem[] s_tcp4 = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemTcp()];
    private static readonly FlowItem[] s_udp4 = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemUdp()];
    private static readonly FlowItem[] s_tcp6 = [new FlowItemEth { Type = 0x86dd }, new FlowItemIpv6(), new FlowItemTcp()];
    private static readonly FlowItem[] s_gre4 = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4 { Proto = Gre, Dst = Own4 }];

    public static TheoryData<string, bool, bool> Forms
    {
        get
        {
            TheoryData<string, bool, bool> all = [];
            foreach (string name in new[] { "vxlan", "geneve", "geneve4", "geneve8", "gre", "gre key" })
            {
                foreach (bool isIpv6 in new[] { false, true })
                {
                    all.Add(name, isIpv6, false);
                    all.Add(name, isIpv6, true);
                }
            }

            return all;
        }
    }

    /// <summary>Each header over each network, each kind of packet in it, changed on the way.</summary>
    [Theory]
    [MemberData(nameof(Forms))]
    public void What_leaves_has_the_outer_headers_of_the_standards(string name, bool isIpv6, bool isTc)
    {
        (FlowTunnelType type, byte[] tunnel) = Of(name);
        using KernelTunnelBench bench = new(isTc);
        foreach (bool hasSum in type == FlowTunnelType.Gre ? new[] { false } : [false, true])
        {
            byte[] header = Header(type, tunnel, isIpv6, hasSum);
            NicHandle[] rules =
            [
                bench.Add(1, s_tcp4, new FlowActionDecTtl(), new FlowActionSetIpv4Dst(0x0a000009), new FlowActionSetTpDst(8080), new FlowActionTunnelEncap(9, type, header), new FlowActionPort(2)),
                bench.Add(1, s_udp4, new FlowActionTunnelEncap(9, type, header), new FlowActionPort(2)),
                bench.Add(1, s_tcp6, new FlowActionDecTtl(), new FlowActionTunnelEncap(9, type, header), new FlowActionPort(2)),
            ];
            byte[] tcp6 = NicFrame.TcpIpv6();
            foreach (int payload in new[] { 0, 1, 10, 333 })
            {
                Check(NicFrame.TcpIpv4(payload: payload), NicFrame.TcpIpv4(dst: 8080, to: "10.0.0.9", ttl: 63, payload: payload));
                Check(NicFrame.UdpIpv4(payload: payload), NicFrame.UdpIpv4(payload: payload));
            }

            Check(tcp6, [.. tcp6[..21], 63, .. tcp6[22..]]);
            Assert.Equal((4ul, 4ul, 1ul), (bench.CountersOf(rules[0]).Hits, bench.CountersOf(rules[1]).Hits, bench.CountersOf(rules[2]).Hits));

            // As long as fits the MTU outside, and one byte more.
            int most = 1500 - 40 - header.Length;
            bench.Takes(NicFrame.TcpIpv4(payload: most));
            bench.Misses(NicFrame.TcpIpv4(payload: most + 1), "too long outside");
            foreach (NicHandle rule in rules) bench.Destroy(rule);

            void Check(byte[] frame, byte[] inner)
            {
                byte[] left = bench.Takes(frame);
                int source = type == FlowTunnelType.Gre ? 0 : BinaryPrimitives.ReadUInt16BigEndian(left.AsSpan(isIpv6 ? 54 : 34));
                if (type != FlowTunnelType.Gre) Assert.InRange(source, 32_768, 60_999);
                Assert.Equal(Convert.ToHexString(Outside(type, tunnel, isIpv6, hasSum, (ushort)source, inner)), Convert.ToHexString(left));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_inside_GRE_leaves_by_its_own_rule_and_both_rules_count(bool isTc)
    {
        using KernelTunnelBench bench = new(isTc);
        NicHandle outside = bench.Add(1, s_gre4, new FlowActionTunnelDecap(9, FlowTunnelType.Gre));
        NicHandle keyed = bench.Add(9, [new FlowItemTunnel { Id = 0xfedc_ba98, Src = Peer4, Flags = 8 }, .. s_tcp4], new FlowActionDecTtl(), new FlowActionSetIpv4Src(0x0a000009), new FlowActionPort(2));
        NicHandle plain = bench.Add(9, [new FlowItemTunnel { Id = 0, Src = Peer4, Flags = 0 }, .. s_tcp6], new FlowActionPort(3));
        byte[] inner = NicFrame.TcpIpv4(), withKey = FromPeer(s_greKey, inner), without = FromPeer(s_gre, NicFrame.TcpIpv6());
        Assert.Equal(Convert.ToHexString(NicFrame.TcpIpv4(from: "10.0.0.9", ttl: 63)), Convert.ToHexString(bench.Takes(withKey)));
        Assert.Equal(Convert.ToHexString(NicFrame.TcpIpv6()), Convert.ToHexString(bench.Takes(without)));
        Assert.Equal((1ul, (ulong)inner.Length), bench.CountersOf(keyed));
        Assert.Equal((1ul, (ulong)NicFrame.TcpIpv6().Length), bench.CountersOf(plain));
        Assert.Equal((2ul, (ulong)(withKey.Length + without.Length)), bench.CountersOf(outside));

        // A key of 0 is a key, and none is not 0 to a rule that says so.
        bench.Misses(FromPeer([0x20, 0, 0x65, 0x58, 0, 0, 0, 0], NicFrame.TcpIpv6()), "a key of 0");
        bench.Misses(FromPeer(s_gre, inner), "no key");
        bench.Misses(FromPeer([0x20, 0, 0x65, 0x58, 0xfe, 0xdc, 0xba, 0x99], inner), "another key");
        bench.Destroy(keyed);
        bench.Misses(withKey, "no rule for what is inside");
    }

    public static TheoryData<string, byte[]> LeftToSoftware
    {
        get
        {
            byte[] inner = NicFrame.TcpIpv4();
            return new()
            {
                { "checksum", FromPeer([0xa0, 0, 0x65, 0x58, 1, 2, 0, 0, 0xfe, 0xdc, 0xba, 0x98], inner) },
                { "sequence number", FromPeer([0x30, 0, 0x65, 0x58, 0xfe, 0xdc, 0xba, 0x98, 0, 0, 0, 1], inner) },
                { "routing", FromPeer([0x60, 0, 0x65, 0x58, 0xfe, 0xdc, 0xba, 0x98], inner) },
                { "version 1", FromPeer([0x20, 1, 0x65, 0x58, 0xfe, 0xdc, 0xba, 0x98], inner) },
                { "IPv4 inside", FromPeer([0x20, 0, 8, 0, 0xfe, 0xdc, 0xba, 0x98], inner) },
                { "key is cut", FromPeer([0x20, 0, 0x65, 0x58, 0xfe, 0xdc], []) },
                { "header is cut", FromPeer([0, 0], []) },
                { "nothing inside", FromPeer(s_greKey, []) },
                { "inner is cut", FromPeer(s_greKey, inner[..40]) },
                { "bytes behind", [.. FromPeer(s_greKey, inner), 0] },
                { "inner TTL", FromPeer(s_greKey, NicFrame.TcpIpv4(ttl: 1)) },
                { "GRE inside", FromPeer(s_greKey, FromPeer(s_greKey, inner)) },
            };
        }
    }

    [Fact]
    public void What_a_rule_for_GRE_is_not_for_is_left_as_it_came()
    {
        foreach (bool isTc in new[] { false, true })
        {
            using KernelTunnelBench bench = new(isTc);
            bench.Add(1, s_gre4, new FlowActionTunnelDecap(9, FlowTunnelType.Gre));
            bench.Add(9, [new FlowItemTunnel { Src = Peer4 }, .. s_tcp4], new FlowActionDecTtl(), new FlowActionPort(2));
            bench.Takes(FromPeer(s_greKey, NicFrame.TcpIpv4()));
            bench.Takes(FromPeer(s_gre, NicFrame.TcpIpv4()));
            foreach ((string name, byte[] frame) in LeftToSoftware.Select(static row => row.Data)) bench.Misses(frame, name);
        }
    }

    /// <summary>The instructions for IPv6 outside are there only while some rule puts it on.</summary>
    [Fact]
    public void A_program_without_IPv6_outside_has_none_of_its_instructions()
    {
        using KernelTunnelBench bench = new(isTc: true);
        bench.Add(1, s_udp4, new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(FlowTunnelType.Vxlan, s_vxlan, isIpv6: false, hasSum: true)), new FlowActionPort(2));
        bench.Add(1, s_tcp4, new FlowActionTunnelEncap(9, FlowTunnelType.Gre, Header(FlowTunnelType.Gre, s_greKey, isIpv6: false, hasSum: false)), new FlowActionPort(2));
        bench.Add(1, s_tcp6, new FlowActionPort(2));
        int before = bench.Nic.Program.Count;
        bench.Add(1, [.. s_udp4[..2], new FlowItemUdp { Dst = 9 }], new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(FlowTunnelType.Vxlan, s_vxlan, isIpv6: true, hasSum: true)), new FlowActionPort(2));
        using KernelTunnelBench other = new(isTc: true);
        other.Add(1, s_udp4, new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(FlowTunnelType.Vxlan, s_vxlan, isIpv6: false, hasSum: true)), new FlowActionPort(2));
        other.Add(1, s_tcp4, new FlowActionTunnelEncap(9, FlowTunnelType.Gre, Header(FlowTunnelType.Gre, s_greKey, isIpv6: false, hasSum: false)), new FlowActionPort(2));
        other.Add(1, s_tcp6, new FlowActionPort(2));
        other.Add(1, [.. s_udp4[..2], new FlowItemUdp { Dst = 9 }], new FlowActionPort(2));
        Assert.InRange(bench.Nic.Program.Count, other.Nic.Program.Count + 50, int.MaxValue);
        Assert.InRange(before, 100, other.Nic.Program.Count);
    }

    /// <summary>A program goes on being begun for a moment after another one has taken its place: rules that came with that one and ask for more are software's, as if it had found none.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_program_that_is_not_written_for_what_a_rule_does_leaves_its_frames_as_they_came(bool isTc)
    {
        using KernelTunnelBench bench = new(isTc);
        byte[] frame = NicFrame.TcpIpv4(), outer = FromPeer(s_gre, frame);
        bench.Add(3, s_tcp4, new FlowActionPort(2));
        bench.Add(3, s_gre4, new FlowActionPort(2));
        using BpfProgram plain = bench.Keep();
        NicHandle rule = bench.Add(1, s_tcp4, new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(FlowTunnelType.Vxlan, s_vxlan, isIpv6: false, hasSum: false)), new FlowActionPort(2));
        IsLeftBy(plain, frame, "encap");
        using BpfProgram overIpv4 = bench.Keep();
        Change(s_tcp4, new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, Header(FlowTunnelType.Vxlan, s_vxlan, isIpv6: true, hasSum: true)), new FlowActionPort(2));
        IsLeftBy(overIpv4, frame, "encap over IPv6");
        Change(s_gre4, new FlowActionTunnelDecap(9, FlowTunnelType.Gre));
        IsLeftBy(plain, outer, "decap");
        if (!isTc) return;
        Change(s_tcp4, new FlowActionPort(2), new FlowActionPort(3));
        IsLeftBy(plain, frame, "several outputs");

        void Change(FlowItem[] pattern, params FlowAction[] actions)
        {
            bench.Destroy(rule);
            rule = bench.Add(1, pattern, actions);
        }

        void IsLeftBy(BpfProgram program, byte[] came, string name)
        {
            bench.Misses(came, name, program);
            Assert.Equal((name, (0ul, 0ul)), (name, bench.CountersOf(rule)));
        }
    }

    private static (FlowTunnelType Type, byte[] Tunnel) Of(string name) => name switch
    {
        "vxlan" => (FlowTunnelType.Vxlan, s_vxlan),
        "geneve" => (FlowTunnelType.Geneve, s_geneve),
        "geneve4" => (FlowTunnelType.Geneve, s_geneve4),
        "geneve8" => (FlowTunnelType.Geneve, s_geneve8),
        "gre" => (FlowTunnelType.Gre, s_gre),
        _ => (FlowTunnelType.Gre, s_greKey),
    };

    private static byte[] FromPeer(byte[] gre, byte[] inner) => [.. s_macs, 8, 0, .. Ipv4(Gre, Peer4, Own4, gre.Length + inner.Length), .. gre, .. inner];

    /// <summary>Outer headers as a rule has them: lengths and source port 0, the IPv4 sum that of the rest, 0xffff for a UDP checksum that is to be computed.</summary>
    private static byte[] Header(FlowTunnelType type, byte[] tunnel, bool isIpv6, bool hasSum)
    {
        byte[] l4 = type == FlowTunnelType.Gre ? tunnel : [.. UdpHeader(type, 0, 0), .. tunnel];
        if (hasSum) l4[6] = l4[7] = 0xff;
        byte protocol = type == FlowTunnelType.Gre ? (byte)Gre : (byte)Udp;
        byte[] ip = isIpv6 ? Ipv6(protocol, 0) : Ipv4(protocol, Own4, Peer4, -20);
        return [.. s_macs, .. isIpv6 ? (byte[])[0x86, 0xdd] : [8, 0], .. ip, .. l4];
    }

    /// <summary>A whole packet outside.</summary>
    private static byte[] Outside(FlowTunnelType type, byte[] tunnel, bool isIpv6, bool hasSum, ushort source, byte[] inner)
    {
        byte protocol = type == FlowTunnelType.Gre ? (byte)Gre : (byte)Udp;
        byte[] l4 = type == FlowTunnelType.Gre ? [.. tunnel, .. inner] : [.. UdpHeader(type, source, 8 + tunnel.Length + inner.Length), .. tunnel, .. inner];
        byte[] ip = isIpv6 ? Ipv6(protocol, l4.Length) : Ipv4(protocol, Own4, Peer4, l4.Length);
        if (hasSum)
        {
            ushort sum = NicFrame.Checksum([.. isIpv6 ? ip[8..40] : ip[12..20], 0, Udp, (byte)(l4.Length >> 8), (byte)l4.Length, .. l4]);
            BinaryPrimitives.WriteUInt16BigEndian(l4.AsSpan(6), sum == 0 ? (ushort)0xffff : sum);
        }

        return [.. s_macs, .. isIpv6 ? (byte[])[0x86, 0xdd] : [8, 0], .. ip, .. l4];
    }

    private static byte[] UdpHeader(FlowTunnelType type, ushort source, int length)
    {
        ushort port = type == FlowTunnelType.Vxlan ? (ushort)4789 : (ushort)6081;
        return [(byte)(source >> 8), (byte)source, (byte)(port >> 8), (byte)port, (byte)(length >> 8), (byte)length, 0, 0];
    }

    private static byte[] Ipv4(byte protocol, uint source, uint destination, int payload)
    {
        byte[] ip = [0x45, 4, 0, 0, 0, 0, 0x40, 0, 61, protocol, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(2), (ushort)(20 + payload));
        BinaryPrimitives.WriteUInt32BigEndian(ip.AsSpan(12), source);
        BinaryPrimitives.WriteUInt32BigEndian(ip.AsSpan(16), destination);
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(10), NicFrame.Checksum(ip));
        return ip;
    }

    private static byte[] Ipv6(byte nextHeader, int payload)
        => [0x60, 0x40, 0, 0, (byte)(payload >> 8), (byte)payload, nextHeader, 61, .. IPAddress.Parse("fd00:1:2:3:4:5:6:7").GetAddressBytes(), .. IPAddress.Parse("fd0f:ffff:fffe:8765:4321::9").GetAddressBytes()];
}
