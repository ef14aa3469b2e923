using System.Globalization;
using System.Net;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class NicParserTests
{
    [Fact]
    public void Agrees_with_Open_vSwitch_on_every_vector()
    {
        int ipCount = 0;
        int arpCount = 0;
        foreach ((byte[] frame, string flow) in ExtractVectors.All)
        {
            NicKey key = default;
            Assert.True(NicParser.Parse(frame, 1, 2, true, ref key, out NicParsed parsed));
            AssertAgrees(flow, key, parsed.Headers);
            if ((parsed.Headers & (NicHeaders.Ipv4 | NicHeaders.Ipv6)) != 0) ipCount++;
            if ((parsed.Headers & NicHeaders.Arp) != 0) arpCount++;
        }
        // Malformed packets and IPv6 extension headers are the rest.
        // Operations above 255, which Open vSwitch reads as 0, are the rest of the ARP frames.
        Assert.InRange(arpCount, 200, 269);
        Assert.InRange(ipCount, ExtractVectors.All.Length * 8 / 10, ExtractVectors.All.Length);
    }

    private static void AssertAgrees(string flow, NicKey key, NicHeaders headers)
    {
        bool hasIp = (headers & (NicHeaders.Ipv4 | NicHeaders.Ipv6)) != 0;
        bool hasL4 = (headers & (NicHeaders.Tcp | NicHeaders.Udp)) != 0;
        foreach (string token in flow.Split(','))
        {
            int eq = token.IndexOf('=');
            string name = eq < 0 ? token : token[..eq];
            string value = eq < 0 ? "" : token[(eq + 1)..];
            UInt128? actual = name switch
            {
                "dl_dst" => Get(key, NicField.EthDst),
                "dl_src" => Get(key, NicField.EthSrc),
                "dl_type" => Get(key, NicField.EthType),
                "dl_vlan" => Get(key, NicField.VlanVid),
                "dl_vlan_pcp" => Get(key, NicField.VlanPcp) >> 13,
                "dl_vlan1" => Get(key, NicField.Vlan2Vid),
                "dl_vlan_pcp1" => Get(key, NicField.Vlan2Pcp) >> 13,
                "vlan_tci" => (headers & NicHeaders.Vlan) == 0 ? 0u : 1u,
                "vlan_tci1" => (headers & NicHeaders.Vlan2) == 0 ? 0u : 1u,
                "nw_src" when hasIp => Get(key, NicField.Ipv4Src),
                "nw_dst" when hasIp => Get(key, NicField.Ipv4Dst),
                "ipv6_src" when hasIp => Get(key, NicField.Ipv6Src),
                "ipv6_dst" when hasIp => Get(key, NicField.Ipv6Dst),
                "ipv6_label" when hasIp => Get(key, NicField.Ipv6Label),
                "nw_tos" when hasIp => Get(key, NicField.IpDscp),
                "nw_ecn" when hasIp => Get(key, NicField.IpEcn),
                "nw_ttl" when hasIp => Get(key, NicField.IpTtl),
                "nw_proto" when hasIp => Get(key, NicField.IpProto),
                "nw_frag" when hasIp => Get(key, NicField.IpFrag),
                "tp_src" when hasL4 => Get(key, NicField.TpSrc),
                "tp_dst" when hasL4 => Get(key, NicField.TpDst),
                "tcp_flags" when (headers & NicHeaders.Tcp) != 0 => Get(key, NicField.TcpFlags),
                "icmp_type" when (headers & (NicHeaders.Icmp | NicHeaders.Icmp6)) != 0 => Get(key, NicField.IcmpType),
                "icmp_code" when (headers & (NicHeaders.Icmp | NicHeaders.Icmp6)) != 0 => Get(key, NicField.IcmpCode),
                "arp_op" when (headers & NicHeaders.Arp) != 0 => Get(key, NicField.ArpOp),
                "arp_spa" when (headers & NicHeaders.Arp) != 0 => Get(key, NicField.ArpSpa),
                "arp_tpa" when (headers & NicHeaders.Arp) != 0 => Get(key, NicField.ArpTpa),
                "arp_sha" when (headers & NicHeaders.Arp) != 0 => Get(key, NicField.ArpSha),
                "arp_tha" when (headers & NicHeaders.Arp) != 0 => Get(key, NicField.ArpTha),
                "nd_target" => Get(key, NicField.NdTarget),
                "nd_sll" => Get(key, NicField.NdSll),
                "nd_tll" => Get(key, NicField.NdTll),
                "mpls_label" => Get(key, NicField.MplsLabel) >> 12,
                "mpls_tc" => Get(key, NicField.MplsTc) >> 9,
                "mpls_bos" => Get(key, NicField.MplsBos) >> 8,
                "mpls_ttl" => Get(key, NicField.MplsTtl),
                _ => null,
            };
            if (actual is null) continue;
            Assert.True(Number(name, value) == actual, $"{token}: got 0x{actual:x} in {flow}");
        }
    }

    private static UInt128 Get(NicKey key, NicField field) => NicFields.Get(field).Read(key.Bytes);

    private static UInt128 Number(string name, string value)
    {
        switch (name)
        {
            case "dl_dst" or "dl_src" or "arp_sha" or "arp_tha" or "nd_sll" or "nd_tll":
                return ulong.Parse(value.Replace(":", ""), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            case "nw_src" or "nw_dst" or "arp_spa" or "arp_tpa" or "ipv6_src" or "ipv6_dst" or "nd_target":
                return IPAddress.Parse(value).GetAddressBytes().Aggregate(UInt128.Zero, static (v, b) => (v << 8) | b);
            case "nw_frag":
                return value switch { "no" => 0, "first" => 1, _ => 3 };
            case "tcp_flags":
                string[] names = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"];
                return value.StartsWith("0x", StringComparison.Ordinal) || value == "0"
                    ? UInt128.Parse(value.Replace("0x", ""), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                    : value.Split('|').Aggregate(UInt128.Zero, (v, f) => v | (UInt128.One << Array.IndexOf(names, f)));
            default:
                return value.StartsWith("0x", StringComparison.Ordinal)
                    ? UInt128.Parse(value[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                    : UInt128.Parse(value, CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public void Cut_and_damaged_frames_are_never_read_past_their_end()
    {
        using var block = new GuardedBlock(8192);
        var random = new Random(20240601);
        (byte[] Frame, string Flow)[] vectors = ExtractVectors.All;
        int cut = 0;
        for (int i = 0; i < 60_000; i++)
        {
            byte[] source = vectors[random.Next(vectors.Length)].Frame;
            int length = Math.Min(random.Next(source.Length + 1), 4096);
            Span<byte> frame = block.PlaceAtEnd(source.AsSpan(0, length));
            for (int n = random.Next(4); n > 0 && length > 12; n--) frame[random.Next(12, length)] = (byte)random.Next(256);
            NicKey key = default;
            bool whole = NicParser.Parse(frame, 1, random.Next(3), true, ref key, out NicParsed parsed);
            Assert.Equal(length >= 14, whole);
            if (parsed.TransportLength > 0) Assert.True(parsed.TransportOffset + parsed.TransportLength <= length);
            if ((parsed.Headers & NicHeaders.Tcp) != 0) Assert.True(parsed.TransportLength >= 20);
            if (length < source.Length) cut++;
        }
        Assert.True(cut > 30_000);
    }

    [Fact]
    public void Damaged_frames_through_the_whole_device_stay_in_their_buffer()
    {
        using var block = new GuardedBlock(8192);
        using var bench = new NicBench();
        FlowAction[] tail = [new FlowActionOfPushVlan(0x8100), new FlowActionOfPushMpls(0x8847, 1), new FlowActionPort(2)];
        bench.Create(new FlowRule(new FlowAttr(null), [new FlowItemEth(), new FlowItemIpv4()], [new FlowActionSetIpv4Src(1), new FlowActionDecTtl(), .. tail]));
        bench.Create(new FlowRule(new FlowAttr(null), [new FlowItemEth(), new FlowItemIpv6()], [new FlowActionSetIpv6Dst(UInt128.One), .. tail]));
        bench.Create(new FlowRule(new FlowAttr(null), [new FlowItemEth(), new FlowItemMpls()], [new FlowActionOfPopMpls(0x800), new FlowActionPort(1)]));
        bench.Create(new FlowRule(new FlowAttr(null), [new FlowItemEth(), new FlowItemArp()], tail));
        NicRxQueue queue = bench.Nic.OpenRxQueue();
        var random = new Random(7);
        int hits = 0;
        for (int i = 0; i < 30_000; i++)
        {
            byte[] source = ExtractVectors.All[random.Next(ExtractVectors.All.Length)].Frame;
            int length = Math.Min(random.Next(2) == 0 ? source.Length : random.Next(source.Length + 1), 4096);
            Span<byte> buffer = block.AtEnd(NicRxQueue.HeadroomBytes + length);
            source.AsSpan(0, length).CopyTo(buffer[NicRxQueue.HeadroomBytes..]);
            if (length > 12 && random.Next(2) == 0) buffer[NicRxQueue.HeadroomBytes + random.Next(12, length)] = (byte)random.Next(256);
            var sink = new NicSink([]);
            if (queue.Receive(1, buffer, NicRxQueue.HeadroomBytes, length, 0, ref sink, out _)) hits++;
        }
        Assert.True(hits > 5_000);
    }

    [Theory]
    [InlineData(0, 0x8100)]
    [InlineData(1, 0x88a8)]
    [InlineData(2, 0x0800)]
    public void Takes_off_only_the_tags_it_is_told_to(int tags, int type)
    {
        byte[] frame = NicFrame.New().Vlan(5).Vlan(6, 0x88a8).Type(0x0800, []);
        NicKey key = default;
        Assert.True(NicParser.Parse(frame, 1, tags, false, ref key, out _));
        Assert.Equal((UInt128)(uint)type, Get(key, NicField.EthType));
    }

    [Fact]
    public void Checksum_verdicts()
    {
        Assert.Equal(NicRxFlags.IpCsumGood | NicRxFlags.L4CsumGood, Flags(NicFrame.TcpIpv4()));
        Assert.Equal(NicRxFlags.IpCsumBad | NicRxFlags.L4CsumGood, Flags(Flip(NicFrame.TcpIpv4(), 24)));
        Assert.Equal(NicRxFlags.IpCsumGood | NicRxFlags.L4CsumBad, Flags(Flip(NicFrame.TcpIpv4(), 60)));
        Assert.Equal(NicRxFlags.L4CsumGood, Flags(NicFrame.TcpIpv6()));
        Assert.Equal(NicRxFlags.L4CsumBad, Flags(Flip(NicFrame.TcpIpv6(), 70)));
        byte[] udp = NicFrame.UdpIpv4();
        Assert.Equal(NicRxFlags.IpCsumGood | NicRxFlags.L4CsumGood, Flags(udp));
        udp[40] = udp[41] = 0;
        Assert.Equal(NicRxFlags.IpCsumGood | NicRxFlags.L4CsumGood, Flags(udp));
        byte[] udp6 = NicFrame.New().Ipv6("fd00::1", "fd00::2", NicFrame.Udp, NicFrame.UdpDatagram(1, 2, 9));
        Assert.Equal(NicRxFlags.L4CsumGood, Flags(udp6));
        udp6[60] = udp6[61] = 0;
        Assert.Equal(NicRxFlags.L4CsumBad, Flags(udp6));
        // A datagram whose own length differs from the packet's is not verified.
        Assert.Equal(NicRxFlags.IpCsumGood, Flags(Flip(NicFrame.UdpIpv4(), 39)));
        byte[] echo = [8, 0, 0, 0, 0, 1, 0, 2, 3];
        Assert.Equal(NicRxFlags.IpCsumGood | NicRxFlags.L4CsumGood, Flags(NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 1, echo)));
        Assert.Equal(NicRxFlags.L4CsumGood, Flags(NicFrame.New().Ipv6("fd00::1", "fd00::2", 58, [128, 0, 0, 0, 0, 1, 0, 2, 3])));
        Assert.Equal(NicRxFlags.IpCsumGood, Flags(NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Tcp, NicFrame.TcpSegment(1, 2, 16, 4), fragment: 0x2000)));
        Assert.Equal(NicRxFlags.IpCsumGood, Flags(NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 47, [1, 2, 3])));

        static NicRxFlags Flags(byte[] frame)
        {
            NicKey key = default;
            Assert.True(NicParser.Parse(frame, 1, 2, true, ref key, out NicParsed parsed));
            Assert.Equal((parsed.RxFlags & NicRxFlags.L4CsumGood) != 0, Get(key, NicField.L4CsumOk) != 0);
            Assert.Equal((parsed.RxFlags & NicRxFlags.IpCsumGood) != 0 || (parsed.Headers & NicHeaders.Ipv6) != 0, Get(key, NicField.Ipv4CsumOk) != 0);
            return parsed.RxFlags;
        }

        static byte[] Flip(byte[] frame, int at)
        {
            frame[at] ^= 1;
            return frame;
        }
    }
}
