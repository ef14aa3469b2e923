using System.Text;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Matches (OVS <c>match_format</c>).</summary>
public sealed partial class FlowTextFormatter
{
    private static readonly FieldId[] s_metadataFields =
    [
        FieldId.PktMark, FieldId.RecircId, FieldId.DpHash, FieldId.ConjId, FieldId.ActsetOutput, FieldId.CtState, FieldId.CtZone, FieldId.CtMark,
        FieldId.CtLabel, FieldId.CtNwSrc, FieldId.CtIpv6Src, FieldId.CtNwDst, FieldId.CtIpv6Dst, FieldId.CtNwProto, FieldId.CtTpSrc, FieldId.CtTpDst,
    ];

    private static readonly FieldId[] s_tunnelFields =
    [
        FieldId.TunId, FieldId.TunSrc, FieldId.TunDst, FieldId.TunIpv6Src, FieldId.TunIpv6Dst, FieldId.TunGbpId, FieldId.TunGbpFlags,
        FieldId.TunTos, FieldId.TunTtl,
    ];

    /// <summary>All flags of a tunnel, public ones and others.</summary>
    private const uint TunnelFlags = 0xf;

    private void AppendMatch(StringBuilder s, ref Match match)
    {
        foreach (FieldId id in s_metadataFields)
        {
            if (id == FieldId.ConjId && match.Mask.Key.SkbPriority.Raw != 0) s.Append($"skb_priority={NumberText.Hex(match.Value.Key.SkbPriority.Host)},");
            AppendField(s, ref match, id, Fields.Of(id).Name);
        }

        // Only megaflows match a recirculation id, and all of these are of Ethernet.
        if (match.Mask.Key.RecircId.Raw != 0) s.Append("eth,");
        bool known = AppendProtocol(s, ref match, out bool protocolKnown);
        for (FieldId id = FieldId.Reg0; id <= FieldId.Reg15; id++) AppendField(s, ref match, id, Fields.Of(id).Name);
        foreach (FieldId id in s_tunnelFields) AppendField(s, ref match, id, Fields.Of(id).Name);
        uint flags = match.Mask.Key.TunFlags.Host & TunnelFlags;
        if (flags != 0) s.Append($"tun_flags={FlagText.Tunnel.Format(match.Value.Key.TunFlags.Host & flags, flags, TunnelFlags)},");
        AppendField(s, ref match, FieldId.TunMetadata0, "tun_metadata0");
        AppendField(s, ref match, FieldId.Metadata, "metadata");
        AppendField(s, ref match, FieldId.InPortOxm, "in_port");
        AppendVlan(s, match.Value.Key.Vlan0Tci.Host, match.Mask.Key.Vlan0Tci.Host, "");
        AppendVlan(s, match.Value.Key.Vlan1Tci.Host, match.Mask.Key.Vlan1Tci.Host, "1");
        AppendField(s, ref match, FieldId.EthSrc, "dl_src");
        AppendField(s, ref match, FieldId.EthDst, "dl_dst");
        if (!known && match.Mask.Key.DlType.Host != 0) s.Append($"dl_type=0x{match.Value.Key.DlType.Host:x4},");
        AppendNetwork(s, ref match, protocolKnown);
        AppendTransport(s, ref match);
    }

    /// <summary><c>tcp</c>, <c>ip</c>, <c>arp</c>, ...; says whether that covers dl_type, and whether it covers nw_proto.</summary>
    private static bool AppendProtocol(StringBuilder s, ref Match match, out bool protocolKnown)
    {
        protocolKnown = false;
        if (match.Mask.Key.DlType.Host == 0) return false;
        bool hasProto = match.Mask.Key.NwProto != 0;
        byte proto = match.Value.Key.NwProto;
        ushort type = match.Value.Key.DlType.Host;
        string? name = type switch
        {
            EthType.Ip => "ip",
            EthType.Ipv6 => "ipv6",
            EthType.Arp => "arp",
            EthType.Rarp => "rarp",
            EthType.Mpls => "mpls",
            EthType.MplsMcast => "mplsm",
            _ => null,
        };
        if (name is null) return false;
        string? transport = (type, proto) switch
        {
            (EthType.Ip, IpProto.Icmp) => "icmp",
            (EthType.Ip, IpProto.Tcp) => "tcp",
            (EthType.Ip, IpProto.Udp) => "udp",
            (EthType.Ip, IpProto.Sctp) => "sctp",
            (EthType.Ipv6, IpProto.Icmpv6) => "icmp6",
            (EthType.Ipv6, IpProto.Tcp) => "tcp6",
            (EthType.Ipv6, IpProto.Udp) => "udp6",
            (EthType.Ipv6, IpProto.Sctp) => "sctp6",
            _ => null,
        };
        protocolKnown = hasProto && transport is not null;
        s.Append(protocolKnown ? transport : name).Append(',');
        return true;
    }

    private static void AppendVlan(StringBuilder s, ushort tci, ushort mask, string suffix)
    {
        if (mask == 0) return;
        int vid = mask & 0xfff, pcp = mask & 0xe000;
        bool tagged = (mask & tci & 0x1000) != 0;
        if (tagged && vid is 0 or 0xfff && pcp is 0 or 0xe000 && (vid | pcp) != 0)
        {
            if (vid != 0) s.Append($"dl_vlan{suffix}={tci & 0xfff},");
            if (pcp != 0) s.Append($"dl_vlan_pcp{suffix}={tci >> 13},");
            return;
        }

        s.Append($"vlan_tci{suffix}=0x{tci:x4}");
        if (mask != 0xffff) s.Append($"/0x{mask:x4}");
        s.Append(',');
    }

    private void AppendNetwork(StringBuilder s, ref Match match, bool protocolKnown)
    {
        ushort type = match.Value.Key.DlType.Host;
        bool arp = type is EthType.Arp or EthType.Rarp;
        AppendField(s, ref match, FieldId.Ipv6Src, "ipv6_src");
        AppendField(s, ref match, FieldId.Ipv6Dst, "ipv6_dst");
        UInt128 label = Fields.Of(FieldId.Ipv6Label).Get(ref match.Mask);
        if (label != 0)
        {
            s.Append($"ipv6_label=0x{(uint)Fields.Of(FieldId.Ipv6Label).Get(ref match.Value):x5}");
            s.Append(label == 0xfffff ? "," : $"/0x{(uint)label:x5},");
        }

        AppendField(s, ref match, FieldId.Ipv4Src, arp ? "arp_spa" : "nw_src");
        AppendField(s, ref match, FieldId.Ipv4Dst, arp ? "arp_tpa" : "nw_dst");
        if (!protocolKnown) AppendField(s, ref match, FieldId.IpProto, arp ? "arp_op" : "nw_proto");
        if (arp)
        {
            AppendField(s, ref match, FieldId.ArpSha, "arp_sha");
            AppendField(s, ref match, FieldId.ArpTha, "arp_tha");
        }

        if ((match.Mask.Key.NwTos & 0xfc) != 0) s.Append($"nw_tos={match.Value.Key.NwTos & 0xfc},");
        if ((match.Mask.Key.NwTos & 3) != 0) s.Append($"nw_ecn={match.Value.Key.NwTos & 3},");
        AppendField(s, ref match, FieldId.IpTtl, "nw_ttl");
        AppendField(s, ref match, FieldId.MplsLabel, "mpls_label");
        AppendField(s, ref match, FieldId.MplsTc, "mpls_tc");
        AppendField(s, ref match, FieldId.MplsTtl, "mpls_ttl");
        AppendField(s, ref match, FieldId.MplsBos, "mpls_bos");
        AppendLse(s, "mpls_lse1", match.Value.Key.MplsLse1.Host, match.Mask.Key.MplsLse1.Host);
        AppendLse(s, "mpls_lse2", match.Value.Key.MplsLse2.Host, match.Mask.Key.MplsLse2.Host);
        string? frag = (match.Mask.Key.NwFrag, match.Value.Key.NwFrag) switch
        {
            (NwFrag.Any | NwFrag.Later, NwFrag.No) => "no",
            (NwFrag.Any | NwFrag.Later, NwFrag.Any) => "first",
            (NwFrag.Any | NwFrag.Later, _) => "later",
            (NwFrag.Any, NwFrag.No) => "no",
            (NwFrag.Any, _) => "yes",
            (NwFrag.Later, NwFrag.No) => "not_later",
            (NwFrag.Later, _) => "later",
            _ => null,
        };
        if (frag is not null) s.Append($"nw_frag={frag},");
    }

    private void AppendTransport(StringBuilder s, ref Match match)
    {
        ushort type = match.Value.Key.DlType.Host;
        byte proto = match.Value.Key.NwProto;
        bool icmp6 = type == EthType.Ipv6 && proto == IpProto.Icmpv6;
        bool icmp = icmp6 || (type == EthType.Ip && proto == IpProto.Icmp);
        AppendField(s, ref match, FieldId.TcpSrc, icmp ? "icmp_type" : "tp_src");
        AppendField(s, ref match, FieldId.TcpDst, icmp ? "icmp_code" : "tp_dst");
        AppendField(s, ref match, FieldId.TcpFlags, "tcp_flags");
        if (!icmp6) return;
        AppendField(s, ref match, FieldId.NdTarget, "nd_target");
        AppendField(s, ref match, FieldId.NdSll, "nd_sll");
        AppendField(s, ref match, FieldId.NdTll, "nd_tll");
    }

    /// <summary>OVS <c>format_be32_masked</c>.</summary>
    private static void AppendLse(StringBuilder s, string name, uint value, uint mask)
    {
        if (mask == uint.MaxValue) s.Append($"{name}={value},");
        else if (mask != 0) s.Append($"{name}=0x{value:x8}/0x{mask:x8},");
    }

    private void AppendField(StringBuilder s, ref Match match, FieldId id, string name)
    {
        Field field = Fields.Of(id);
        UInt128 mask = field.Get(ref match.Mask);
        if (mask == 0) return;
        UInt128 value = field.Get(ref match.Value);

        // ct_state is wider in text than in the key: all the bits that exist are all the bits.
        if (id == FieldId.CtState && mask == 0xff) mask = field.MaxValue;
        string text = id switch
        {
            FieldId.RecircId or FieldId.DpHash => mask == uint.MaxValue ? NumberText.Hex(value) : $"{NumberText.Hex(value)}/{NumberText.Hex(mask)}",
            FieldId.TcpSrc or FieldId.TcpDst or FieldId.CtTpSrc or FieldId.CtTpDst when mask != field.MaxValue => $"0x{value:x}/0x{mask:x}",
            FieldId.CtZone => ((uint)value).ToString(System.Globalization.CultureInfo.InvariantCulture),
            _ => FieldText.Format(field, value, mask, _ports),
        };
        s.Append(name).Append('=').Append(text).Append(',');
    }
}
