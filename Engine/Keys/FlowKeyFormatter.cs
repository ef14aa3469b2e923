using System.Globalization;
using System.Numerics;
using System.Text;

namespace Mergeflow.Engine.Keys;

/// <summary>
/// Prints the fields of a parsed packet as <c>ovs-ofctl parse-pcap</c> does (OVS <c>flow_format</c>): every field that the packet's
/// type has, metadata only where it is not zero.
/// </summary>
public static class FlowKeyFormatter
{
    /// <summary>The in_port that prints as <c>ANY</c>: the packet came from no port.</summary>
    public const uint AnyPort = 0xffff;

    private static readonly string[] s_tcpFlagNames = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"];
    private static readonly string[] s_ctStateNames = ["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];
    private static readonly string[] s_tunFlagNames = ["oam", "df", "csum", "key"];

    /// <summary>Formats <paramref name="key"/>, all of whose lanes must be valid (absent ones zeroed).</summary>
    public static string Format(in FlowKey key)
    {
        var text = new StringBuilder(256);
        ushort type = key.DlType.Host;
        AppendContext(text, key, type);
        bool named = AppendTypeName(text, key, type, out bool protoNamed);
        AppendTunnel(text, key);
        if (key.InPort.Raw != 0) Append(text, "in_port", PortName(key.InPort.Host));
        AppendVlans(text, key);
        Append(text, "dl_src", key.DlSrc.ToString());
        Append(text, "dl_dst", key.DlDst.ToString());
        if (!named) Append(text, "dl_type", Hex(type, 4));
        if (type is EthType.Arp or EthType.Rarp) AppendArp(text, key);
        else if (type is EthType.Mpls or EthType.MplsMcast) AppendMpls(text, key);
        else if (type is EthType.Ip or EthType.Ipv6) AppendIp(text, key, type == EthType.Ipv6, protoNamed);
        text.Length--;
        return text.ToString();
    }

    /// <summary>Reserved OpenFlow port names, else the number.</summary>
    public static string PortName(uint port) => port switch
    {
        0xfff7 => "UNSET",
        0xfff8 => "IN_PORT",
        0xfff9 => "TABLE",
        0xfffa => "NORMAL",
        0xfffb => "FLOOD",
        0xfffc => "ALL",
        0xfffd => "CONTROLLER",
        0xfffe => "LOCAL",
        AnyPort => "ANY",
        _ => Decimal(port),
    };

    /// <summary>Names of the bits that are set, low bit first, joined by <c>|</c>; <c>0</c> if none (OVS <c>format_flags</c>).</summary>
    public static string TcpFlags(ushort flags) => Flags(flags, s_tcpFlagNames);

    /// <summary>Names of the ct_state bits that are set, low bit first, joined by <c>|</c>.</summary>
    public static string CtStateFlags(CtState state) => Flags((uint)state, s_ctStateNames);

    private static void AppendContext(StringBuilder text, in FlowKey key, ushort type)
    {
        AppendHex(text, "pkt_mark", key.PktMark.Host);
        AppendHex(text, "recirc_id", key.RecircId.Host);
        AppendHex(text, "dp_hash", key.DpHash.Host);
        AppendHex(text, "skb_priority", key.SkbPriority.Host);
        if (key.CtState != CtState.None) Append(text, "ct_state", CtStateFlags(key.CtState));
        AppendHex(text, "ct_zone", key.CtZone.Host);
        AppendHex(text, "ct_mark", key.CtMark.Host);
        if (!key.CtLabel.IsZero) Append(text, "ct_label", "0x" + key.CtLabel.ToUInt128().ToString("x", CultureInfo.InvariantCulture));
        if (key.CtNwProto == 0 || (key.CtState & CtState.Inv) != 0) return;
        if (type == EthType.Ip)
        {
            Append(text, "ct_nw_src", Ipv4(key.CtNwSrc.Host));
            Append(text, "ct_nw_dst", Ipv4(key.CtNwDst.Host));
        }
        else if (type == EthType.Ipv6)
        {
            Append(text, "ct_ipv6_src", key.CtIpv6Src.ToString());
            Append(text, "ct_ipv6_dst", key.CtIpv6Dst.ToString());
        }

        Append(text, "ct_nw_proto", Decimal(key.CtNwProto));
        Append(text, "ct_tp_src", Decimal(key.CtTpSrc.Host));
        Append(text, "ct_tp_dst", Decimal(key.CtTpDst.Host));
    }

    private static bool AppendTypeName(StringBuilder text, in FlowKey key, ushort type, out bool protoNamed)
    {
        string? l4 = (type, key.NwProto) switch
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
        protoNamed = l4 != null;
        string? name = l4 ?? type switch
        {
            EthType.Ip => "ip",
            EthType.Ipv6 => "ipv6",
            EthType.Arp => "arp",
            EthType.Rarp => "rarp",
            EthType.Mpls => "mpls",
            EthType.MplsMcast => "mplsm",
            _ => null,
        };
        if (name != null) text.Append(name).Append(',');
        return name != null;
    }

    private static void AppendTunnel(StringBuilder text, in FlowKey key)
    {
        bool present = key.TunDst.Raw != 0 || !key.TunIpv6Dst.IsZero;
        ushort flags = (ushort)(key.TunFlags.Host & 0xf);
        if (key.TunId.Raw != 0 || (present && (flags & 8) != 0)) Append(text, "tun_id", "0x" + key.TunId.Host.ToString("x", CultureInfo.InvariantCulture));
        if (!present) return;
        Append(text, "tun_src", Ipv4(key.TunSrc.Host));
        Append(text, "tun_dst", Ipv4(key.TunDst.Host));
        Append(text, "tun_ipv6_src", key.TunIpv6Src.ToString());
        Append(text, "tun_ipv6_dst", key.TunIpv6Dst.ToString());
        Append(text, "tun_gbp_id", Decimal(key.TunGbpId.Host));
        Append(text, "tun_gbp_flags", Hex(key.TunGbpFlags, 0));
        Append(text, "tun_tos", key.TunTos.ToString("x", CultureInfo.InvariantCulture));
        Append(text, "tun_ttl", Decimal(key.TunTtl));
        Append(text, "tun_flags", Flags(flags, s_tunFlagNames));
    }

    private static void AppendVlans(StringBuilder text, in FlowKey key)
    {
        AppendVlan(text, "", key.Vlan0Tci.Host);
        if (key.Vlan0Tci.Raw != 0) AppendVlan(text, "1", key.Vlan1Tci.Host);
    }

    private static void AppendVlan(StringBuilder text, string suffix, ushort tci)
    {
        if ((tci & KeyMasks.VlanPresent) == 0)
        {
            Append(text, "vlan_tci" + suffix, Hex(tci, 4));
            return;
        }

        Append(text, "dl_vlan" + suffix, Decimal(tci & 0xfffu));
        Append(text, "dl_vlan_pcp" + suffix, Decimal((uint)tci >> 13));
    }

    private static void AppendArp(StringBuilder text, in FlowKey key)
    {
        Append(text, "arp_spa", Ipv4(key.NwSrc.Host));
        Append(text, "arp_tpa", Ipv4(key.NwDst.Host));
        Append(text, "arp_op", Decimal(key.NwProto));
        Append(text, "arp_sha", key.ArpSha.ToString());
        Append(text, "arp_tha", key.ArpTha.ToString());
    }

    private static void AppendMpls(StringBuilder text, in FlowKey key)
    {
        const uint bottom = 0x100;
        uint lse = key.MplsLse0.Host;
        Append(text, "mpls_label", Decimal(lse >> 12));
        Append(text, "mpls_tc", Decimal((lse >> 9) & 7));
        Append(text, "mpls_ttl", Decimal(lse & 0xff));
        Append(text, "mpls_bos", Decimal((lse >> 8) & 1));
        if ((lse & bottom) != 0) return;
        Append(text, "mpls_lse1", Decimal(key.MplsLse1.Host));
        if ((key.MplsLse1.Host & bottom) == 0) Append(text, "mpls_lse2", Decimal(key.MplsLse2.Host));
    }

    private static void AppendIp(StringBuilder text, in FlowKey key, bool isIpv6, bool protoNamed)
    {
        if (isIpv6)
        {
            Append(text, "ipv6_src", key.Ipv6Src.ToString());
            Append(text, "ipv6_dst", key.Ipv6Dst.ToString());
            Append(text, "ipv6_label", Hex(key.Ipv6Label.Host, 5));
        }
        else
        {
            Append(text, "nw_src", Ipv4(key.NwSrc.Host));
            Append(text, "nw_dst", Ipv4(key.NwDst.Host));
        }

        if (!protoNamed) Append(text, "nw_proto", Decimal(key.NwProto));
        Append(text, "nw_tos", Decimal(key.NwTos & 0xfcu));
        Append(text, "nw_ecn", Decimal(key.NwTos & 3u));
        Append(text, "nw_ttl", Decimal(key.NwTtl));
        Append(text, "nw_frag", key.NwFrag == NwFrag.No ? "no" : (key.NwFrag & NwFrag.Later) != 0 ? "later" : "first");
        if ((key.NwFrag & NwFrag.Later) == 0) AppendTransport(text, key, isIpv6);
        if (key.NwProto == IpProto.Tcp && (key.NwFrag & NwFrag.Later) == 0) Append(text, "tcp_flags", TcpFlags(key.TcpFlags.Host));
    }

    private static void AppendTransport(StringBuilder text, in FlowKey key, bool isIpv6)
    {
        if (key.NwProto is not (IpProto.Icmp or IpProto.Icmpv6 or IpProto.Tcp or IpProto.Udp or IpProto.Sctp or IpProto.Igmp)) return;
        bool isIcmp = key.NwProto == (isIpv6 ? IpProto.Icmpv6 : IpProto.Icmp);
        Append(text, isIcmp ? "icmp_type" : "tp_src", Decimal(key.TpSrc.Host));
        Append(text, isIcmp ? "icmp_code" : "tp_dst", Decimal(key.TpDst.Host));
        bool isNd = isIcmp && isIpv6 && key.TpDst.Raw == 0 && key.TpSrc.Host is 135 or 136;
        if (!isNd) return;
        Append(text, "nd_target", key.NdTarget.ToString());
        Append(text, "nd_sll", key.ArpSha.ToString());
        Append(text, "nd_tll", key.ArpTha.ToString());
    }

    private static string Flags(uint flags, string[] names)
    {
        if (flags == 0) return "0";
        var text = new StringBuilder();
        for (; flags != 0; flags &= flags - 1)
        {
            if (text.Length > 0) text.Append('|');
            text.Append(names[BitOperations.TrailingZeroCount(flags)]);
        }

        return text.ToString();
    }

    private static string Ipv4(uint address)
        => string.Create(CultureInfo.InvariantCulture, $"{address >> 24}.{(address >> 16) & 0xff}.{(address >> 8) & 0xff}.{address & 0xff}");

    private static string Decimal(uint value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Hex(uint value, int digits) => "0x" + value.ToString("x" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static void AppendHex(StringBuilder text, string name, uint value)
    {
        if (value != 0) Append(text, name, Hex(value, 0));
    }

    private static void Append(StringBuilder text, string name, string value) => text.Append(name).Append('=').Append(value).Append(',');
}
