using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Keys and masks (OVS <c>odp_flow_key_from_flow</c> and <c>odp_flow_format</c>, not verbose).</summary>
public static partial class DpFlowFormatter
{
    private const ushort MinEthertype = 0x600;

    /// <summary>
    /// The consulted parts of <paramref name="key"/>, layer by layer; with <paramref name="verbose"/> the others too. As in OVS, bits
    /// of a value that its mask leaves out are printed as they are in <paramref name="key"/>. <paramref name="isBare"/>: the packet has no Ethernet header.
    /// </summary>
    public static string FormatKey(in FlowKey key, in FlowKey mask, PortNames? ports = null, bool verbose = false, bool hasPacketType = true, bool isBare = false)
    {
        FlowKey k = key, m = mask;
        var w = new DpAttributeWriter(verbose);
        One(w, "skb_priority", k.SkbPriority.Host, m.SkbPriority.Host, ushort.MaxValue);
        AppendTunnel(w, k, m);
        AppendMetadata(w, k, m, ports);
        if (hasPacketType) w.Item(isBare ? $"packet_type(ns=1,id=0x{k.DlType.Host:x})" : "packet_type(ns=0,id=0)");
        if (!isBare)
        {
            w.Begin("eth");
            w.Ethernet("src", k.DlSrc, m.DlSrc);
            w.Ethernet("dst", k.DlDst, m.DlDst);
            w.End();
        }

        AppendVlanOrNetwork(w, k, m, 0);
        return w.ToString();
    }

    private static void AppendMetadata(DpAttributeWriter w, in FlowKey k, in FlowKey m, PortNames? ports)
    {
        One(w, "skb_mark", k.PktMark.Host, m.PktMark.Host, uint.MaxValue);
        uint ctState = (uint)k.CtState, ctMask = (uint)m.CtState;
        if (w.Verbose) w.Item($"ct_state({NumberText.Hex(ctState)}/{NumberText.Hex(ctMask)})");
        else if (ctMask != 0) w.Item($"ct_state({FlagText.CtState.Format(ctState, ctMask, uint.MaxValue)})");
        One(w, "ct_zone", k.CtZone.Host, m.CtZone.Host, ushort.MaxValue);
        One(w, "ct_mark", k.CtMark.Host, m.CtMark.Host, uint.MaxValue);
        One(w, "ct_label", k.CtLabel.ToUInt128(), m.CtLabel.ToUInt128(), UInt128.MaxValue);
        if (k.CtNwProto != 0) AppendTuple(w, k, m);
        One(w, "recirc_id", k.RecircId.Host, m.RecircId.Host, uint.MaxValue);
        One(w, "dp_hash", k.DpHash.Host, m.DpHash.Host, uint.MaxValue);
        uint portMask = m.InPort.Host;
        if (portMask != 0)
        {
            w.Item(portMask == uint.MaxValue ? $"in_port({Port(k.InPort.Host, ports)})" : $"in_port({k.InPort.Host}/{NumberText.Hex(portMask)})");
        }
    }

    private static void AppendTuple(DpAttributeWriter w, in FlowKey k, in FlowKey m)
    {
        bool v6 = k.DlType.Host == EthType.Ipv6;
        w.Begin(v6 ? "ct_tuple6" : "ct_tuple4");
        if (v6)
        {
            w.Ipv6("src", k.CtIpv6Src, m.CtIpv6Src);
            w.Ipv6("dst", k.CtIpv6Dst, m.CtIpv6Dst);
        }
        else
        {
            w.Ipv4("src", k.CtNwSrc.Host, m.CtNwSrc.Host);
            w.Ipv4("dst", k.CtNwDst.Host, m.CtNwDst.Host);
        }

        w.Number("proto", k.CtNwProto, m.CtNwProto, byte.MaxValue);
        w.Number(v6 ? "src_port" : "tp_src", k.CtTpSrc.Host, m.CtTpSrc.Host, ushort.MaxValue);
        w.Number(v6 ? "dst_port" : "tp_dst", k.CtTpDst.Host, m.CtTpDst.Host, ushort.MaxValue);
        w.End();
    }

    /// <summary>A tag puts what is behind it into <c>encap(..)</c>; a frame that ends inside a tag has it as its dl_type.</summary>
    private static void AppendVlanOrNetwork(DpAttributeWriter w, in FlowKey k, in FlowKey m, int tag)
    {
        ushort value = tag == 0 ? k.Vlan0Tci.Host : tag == 1 ? k.Vlan1Tci.Host : (ushort)0;
        ushort mask = tag == 0 ? m.Vlan0Tci.Host : tag == 1 ? m.Vlan1Tci.Host : (ushort)0;
        ushort tpid = tag == 0 ? k.Vlan0Tpid.Host : k.Vlan1Tpid.Host;
        bool truncated = value == 0 && k.DlType.Host is EthType.Vlan or EthType.QinQ && (tag == 0 || (tag == 1 && tpid != 0));
        if (truncated) tpid = k.DlType.Host;
        if (value == 0 && !truncated)
        {
            AppendNetwork(w, k, m, isInner: tag > 0);
            return;
        }

        w.Item($"eth_type(0x{(tpid == 0 ? EthType.Vlan : tpid):x4})");
        if (w.Verbose || mask != 0) w.Item($"vlan({FormatTci(value, mask, w.Verbose)})");
        var inner = new DpAttributeWriter(w.Verbose);
        if (!truncated) AppendVlanOrNetwork(inner, k, m, tag + 1);
        w.Item($"encap({inner})");
    }

    /// <summary><c>vid=5,pcp=0</c>; parts that were not consulted and are 0 are left out (OVS <c>format_vlan_tci</c>).</summary>
    internal static string FormatTci(ushort tci, ushort mask, bool verbose = false)
    {
        int vid = tci & 0xfff, vidMask = mask & 0xfff, pcp = tci >> 13, pcpMask = mask >> 13;
        var parts = new List<string>();
        if (verbose || (vid | vidMask) != 0) parts.Add(vidMask == 0xfff ? $"vid={vid}" : $"vid={vid}/0x{vidMask:x}");
        if (verbose || (pcp | pcpMask) != 0) parts.Add(pcpMask == 7 ? $"pcp={pcp}" : $"pcp={pcp}/0x{pcpMask:x}");
        if ((tci & 0x1000) == 0) parts.Add("cfi=0");
        return string.Join(',', parts);
    }

    private static void AppendNetwork(DpAttributeWriter w, in FlowKey k, in FlowKey m, bool isInner)
    {
        ushort type = k.DlType.Host;
        if (type < MinEthertype)
        {
            if (m.DlType.Host != 0 && !isInner) w.Item("eth_type(0/0xffff)");
            return;
        }

        if (m.DlType.Host != 0) w.Item(m.DlType.Host == 0xffff ? $"eth_type(0x{k.DlType.Host:x4})" : $"eth_type(0x{k.DlType.Host:x4}/0x{m.DlType.Host:x4})");
        switch (type)
        {
            case EthType.Ip:
                w.Begin("ipv4");
                w.Ipv4("src", k.NwSrc.Host, m.NwSrc.Host);
                w.Ipv4("dst", k.NwDst.Host, m.NwDst.Host);
                w.Number("proto", k.NwProto, m.NwProto, byte.MaxValue);
                w.Hex("tos", k.NwTos, m.NwTos, byte.MaxValue);
                w.Number("ttl", k.NwTtl, m.NwTtl, byte.MaxValue);
                AppendFrag(w, k.NwFrag, m.NwFrag);
                w.End();
                break;
            case EthType.Ipv6:
                w.Begin("ipv6");
                w.Ipv6("src", k.Ipv6Src, m.Ipv6Src);
                w.Ipv6("dst", k.Ipv6Dst, m.Ipv6Dst);
                w.Hex("label", k.Ipv6Label.Host, m.Ipv6Label.Host & 0xfffff, 0xfffff);
                w.Number("proto", k.NwProto, m.NwProto, byte.MaxValue);
                w.Hex("tclass", k.NwTos, m.NwTos, byte.MaxValue);
                w.Number("hlimit", k.NwTtl, m.NwTtl, byte.MaxValue);
                AppendFrag(w, k.NwFrag, m.NwFrag);
                w.End();
                break;
            case EthType.Arp or EthType.Rarp:
                w.Begin("arp");
                w.Ipv4("sip", k.NwSrc.Host, m.NwSrc.Host);
                w.Ipv4("tip", k.NwDst.Host, m.NwDst.Host);
                w.Number("op", k.NwProto, m.NwProto, byte.MaxValue);
                w.Ethernet("sha", k.ArpSha, m.ArpSha);
                w.Ethernet("tha", k.ArpTha, m.ArpTha);
                w.End();
                break;
            case EthType.Mpls or EthType.MplsMcast:
                AppendMpls(w, k, m);
                break;
        }

        if (type is EthType.Ip or EthType.Ipv6 && (k.NwFrag & NwFrag.Later) == 0) AppendTransport(w, k, m);
    }

    /// <summary>As many label stack entries as the packet had, up to the bottom of the stack (OVS <c>flow_count_mpls_labels</c>).</summary>
    private static void AppendMpls(DpAttributeWriter w, in FlowKey k, in FlowKey m)
    {
        const uint BottomOfStack = 0x100;
        if (!w.Verbose && (m.MplsLse0.Host | m.MplsLse1.Host | m.MplsLse2.Host) == 0) return;
        List<(uint Lse, uint Mask)> stack = [(k.MplsLse0.Host, m.MplsLse0.Host)];
        if ((stack[^1].Lse & BottomOfStack) == 0 && k.MplsLse1.Host != 0) stack.Add((k.MplsLse1.Host, m.MplsLse1.Host));
        if ((stack[^1].Lse & BottomOfStack) == 0 && k.MplsLse2.Host != 0) stack.Add((k.MplsLse2.Host, m.MplsLse2.Host));
        bool isExact = stack.TrueForAll(e => e.Mask == uint.MaxValue);
        string text = string.Join(',', stack.Select(e => isExact ? FormatLse(e.Lse) : FormatMaskedLse(e.Lse, e.Mask)));
        w.Item($"mpls({text})");
    }

    private static void AppendFrag(DpAttributeWriter w, NwFrag frag, NwFrag mask)
    {
        if (mask == 0) return;
        w.Part("frag", (frag & NwFrag.Any) == 0 ? "no" : (frag & NwFrag.Later) == 0 ? "first" : "later");
    }

    private static void AppendTransport(DpAttributeWriter w, in FlowKey k, in FlowKey m)
    {
        bool ip = k.DlType.Host == EthType.Ip;
        string? name = k.NwProto switch
        {
            IpProto.Tcp => "tcp",
            IpProto.Udp => "udp",
            IpProto.Sctp => "sctp",
            IpProto.Icmp when ip => "icmp",
            IpProto.Icmpv6 when !ip => "icmpv6",
            _ => null,
        };
        if (name is null) return;
        bool icmp = k.NwProto is IpProto.Icmp or IpProto.Icmpv6;
        uint full = icmp ? byte.MaxValue : ushort.MaxValue;
        w.Begin(name);
        w.Number(icmp ? "type" : "src", k.TpSrc.Host & full, m.TpSrc.Host & full, full);
        w.Number(icmp ? "code" : "dst", k.TpDst.Host & full, m.TpDst.Host & full, full);
        w.End();
        if (name == "tcp" && (m.TcpFlags.Host != 0 || (w.Verbose && k.TcpFlags.Host != 0)))
        {
            w.Item($"tcp_flags({FlagText.Tcp.Format(k.TcpFlags.Host, m.TcpFlags.Host & 0xfffu, 0xfff)})");
        }

        bool isNd = name == "icmpv6" && k.TpDst.Host == 0 && k.TpSrc.Host is 135 or 136;
        if (!isNd) return;

        // Where the mask leaves open whether it is one, what it has of a neighbour's message cannot be told (OVS odp_flow_key_from_flow__).
        bool isKnown = (m.TpSrc.Host & m.TpDst.Host & byte.MaxValue) == byte.MaxValue;
        w.Begin("nd");
        w.Ipv6("target", k.NdTarget, isKnown ? m.NdTarget : default);
        w.Ethernet("sll", k.ArpSha, isKnown ? m.ArpSha : default);
        w.Ethernet("tll", k.ArpTha, isKnown ? m.ArpTha : default);
        w.End();
    }

    private static void AppendTunnel(DpAttributeWriter w, in FlowKey k, in FlowKey m)
    {
        bool tunnelled = (k.TunSrc.Raw | k.TunDst.Raw) != 0 || !k.TunIpv6Src.IsZero || !k.TunIpv6Dst.IsZero;
        if (!tunnelled) return;
        w.Begin("tunnel");
        w.Hex("tun_id", k.TunId.Host, m.TunId.Host, ulong.MaxValue);
        w.Ipv4("src", k.TunSrc.Host, m.TunSrc.Host);
        w.Ipv4("dst", k.TunDst.Host, m.TunDst.Host);
        w.Ipv6("ipv6_src", k.TunIpv6Src, m.TunIpv6Src);
        w.Ipv6("ipv6_dst", k.TunIpv6Dst, m.TunIpv6Dst);
        w.Hex("tos", k.TunTos, m.TunTos, byte.MaxValue);
        w.Number("ttl", k.TunTtl, m.TunTtl, byte.MaxValue);
        if (m.TunFlags.Host != 0) w.Part("", $"flags({FlagText.Tunnel.Format(k.TunFlags.Host & 0xfu, m.TunFlags.Host & 0xfu, 0xf)})");
        w.End();
    }

    private static void One(DpAttributeWriter w, string name, UInt128 value, UInt128 mask, UInt128 full)
    {
        w.Begin(name);
        w.Value(value, mask, full);
        w.End();
    }
}
