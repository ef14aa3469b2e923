using F = Mergeflow.Engine.Keys.FieldFormat;
using L = Mergeflow.Engine.Keys.KeyLayout;
using P = Mergeflow.Engine.Keys.FieldPrereq;

namespace Mergeflow.Engine.Keys;

/// <summary>The table of all fields, in <see cref="FieldId"/> order (OVS lib/meta-flow.h).</summary>
public static class Fields
{
    /// <summary>Every field; <c>All[(int)id].Id == id</c>.</summary>
    public static IReadOnlyList<Field> All { get; } =
    [
        new(FieldId.DpHash, "dp_hash", "NXM_NX_DP_HASH", L.DpHash, 4, 0, 32, F.Hex, P.None, true, false),
        new(FieldId.RecircId, "recirc_id", "NXM_NX_RECIRC_ID", L.RecircId, 4, 0, 32, F.Decimal, P.None, false, false),
        new(FieldId.ConjId, "conj_id", "NXM_NX_CONJ_ID", L.ConjId, 4, 0, 32, F.Decimal, P.None, false, false),
        new(FieldId.TunId, "tun_id", "NXM_NX_TUN_ID", L.TunId, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.TunSrc, "tun_src", "NXM_NX_TUN_IPV4_SRC", L.TunSrc, 4, 0, 32, F.Ipv4, P.None, true, true),
        new(FieldId.TunDst, "tun_dst", "NXM_NX_TUN_IPV4_DST", L.TunDst, 4, 0, 32, F.Ipv4, P.None, true, true),
        new(FieldId.TunIpv6Src, "tun_ipv6_src", "NXM_NX_TUN_IPV6_SRC", L.TunIpv6Src, 16, 0, 128, F.Ipv6, P.None, true, true),
        new(FieldId.TunIpv6Dst, "tun_ipv6_dst", "NXM_NX_TUN_IPV6_DST", L.TunIpv6Dst, 16, 0, 128, F.Ipv6, P.None, true, true),
        new(FieldId.TunFlags, "tun_flags", "NXM_NX_TUN_FLAGS", L.TunFlags, 2, 0, 1, F.TunFlags, P.None, true, true),
        new(FieldId.TunTtl, "tun_ttl", "", L.TunTtl, 1, 0, 8, F.Decimal, P.None, false, false),
        new(FieldId.TunTos, "tun_tos", "", L.TunTos, 1, 0, 8, F.Decimal, P.None, false, false),
        new(FieldId.TunGbpId, "tun_gbp_id", "NXM_NX_TUN_GBP_ID", L.TunGbpId, 2, 0, 16, F.Decimal, P.None, true, true),
        new(FieldId.TunGbpFlags, "tun_gbp_flags", "NXM_NX_TUN_GBP_FLAGS", L.TunGbpFlags, 1, 0, 8, F.Hex, P.None, true, true),
        new(FieldId.Metadata, "metadata", "OXM_OF_METADATA", L.Metadata, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.InPort, "in_port", "NXM_OF_IN_PORT", L.InPort + 2, 2, 0, 16, F.Port, P.None, false, true),
        new(FieldId.InPortOxm, "in_port_oxm", "OXM_OF_IN_PORT", L.InPort, 4, 0, 32, F.Port, P.None, false, true),
        new(FieldId.ActsetOutput, "actset_output", "OXM_OF_ACTSET_OUTPUT", L.ActsetOutput, 4, 0, 32, F.Port, P.None, false, false),
        new(FieldId.PktMark, "pkt_mark", "NXM_NX_PKT_MARK", L.PktMark, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.CtState, "ct_state", "NXM_NX_CT_STATE", L.CtState, 1, 0, 32, F.CtState, P.None, true, false),
        new(FieldId.CtZone, "ct_zone", "NXM_NX_CT_ZONE", L.CtZone, 2, 0, 16, F.Hex, P.None, false, false),
        new(FieldId.CtMark, "ct_mark", "NXM_NX_CT_MARK", L.CtMark, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.CtLabel, "ct_label", "NXM_NX_CT_LABEL", L.CtLabel, 16, 0, 128, F.Hex, P.None, true, true),
        new(FieldId.CtNwProto, "ct_nw_proto", "NXM_NX_CT_NW_PROTO", L.CtNwProto, 1, 0, 8, F.Decimal, P.CtValid, false, false),
        new(FieldId.CtNwSrc, "ct_nw_src", "NXM_NX_CT_NW_SRC", L.CtNwSrc, 4, 0, 32, F.Ipv4, P.CtValid, true, false),
        new(FieldId.CtNwDst, "ct_nw_dst", "NXM_NX_CT_NW_DST", L.CtNwDst, 4, 0, 32, F.Ipv4, P.CtValid, true, false),
        new(FieldId.CtIpv6Src, "ct_ipv6_src", "NXM_NX_CT_IPV6_SRC", L.CtIpv6Src, 16, 0, 128, F.Ipv6, P.CtValid, true, false),
        new(FieldId.CtIpv6Dst, "ct_ipv6_dst", "NXM_NX_CT_IPV6_DST", L.CtIpv6Dst, 16, 0, 128, F.Ipv6, P.CtValid, true, false),
        new(FieldId.CtTpSrc, "ct_tp_src", "NXM_NX_CT_TP_SRC", L.CtTpSrc, 2, 0, 16, F.Decimal, P.CtValid, true, false),
        new(FieldId.CtTpDst, "ct_tp_dst", "NXM_NX_CT_TP_DST", L.CtTpDst, 2, 0, 16, F.Decimal, P.CtValid, true, false),
        new(FieldId.Reg0, "reg0", "NXM_NX_REG0", L.Registers, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg1, "reg1", "NXM_NX_REG1", L.Registers + 4, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg2, "reg2", "NXM_NX_REG2", L.Registers + 8, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg3, "reg3", "NXM_NX_REG3", L.Registers + 12, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg4, "reg4", "NXM_NX_REG4", L.Registers + 16, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg5, "reg5", "NXM_NX_REG5", L.Registers + 20, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg6, "reg6", "NXM_NX_REG6", L.Registers + 24, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg7, "reg7", "NXM_NX_REG7", L.Registers + 28, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg8, "reg8", "NXM_NX_REG8", L.Registers + 32, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg9, "reg9", "NXM_NX_REG9", L.Registers + 36, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg10, "reg10", "NXM_NX_REG10", L.Registers + 40, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg11, "reg11", "NXM_NX_REG11", L.Registers + 44, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg12, "reg12", "NXM_NX_REG12", L.Registers + 48, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg13, "reg13", "NXM_NX_REG13", L.Registers + 52, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg14, "reg14", "NXM_NX_REG14", L.Registers + 56, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.Reg15, "reg15", "NXM_NX_REG15", L.Registers + 60, 4, 0, 32, F.Hex, P.None, true, true),
        new(FieldId.XReg0, "xreg0", "OXM_OF_PKT_REG0", L.Registers, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.XReg1, "xreg1", "OXM_OF_PKT_REG1", L.Registers + 8, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.XReg2, "xreg2", "OXM_OF_PKT_REG2", L.Registers + 16, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.XReg3, "xreg3", "OXM_OF_PKT_REG3", L.Registers + 24, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.XReg4, "xreg4", "OXM_OF_PKT_REG4", L.Registers + 32, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.XReg5, "xreg5", "OXM_OF_PKT_REG5", L.Registers + 40, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.XReg6, "xreg6", "OXM_OF_PKT_REG6", L.Registers + 48, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.XReg7, "xreg7", "OXM_OF_PKT_REG7", L.Registers + 56, 8, 0, 64, F.Hex, P.None, true, true),
        new(FieldId.XXReg0, "xxreg0", "NXM_NX_XXREG0", L.Registers, 16, 0, 128, F.Hex, P.None, true, true),
        new(FieldId.XXReg1, "xxreg1", "NXM_NX_XXREG1", L.Registers + 16, 16, 0, 128, F.Hex, P.None, true, true),
        new(FieldId.XXReg2, "xxreg2", "NXM_NX_XXREG2", L.Registers + 32, 16, 0, 128, F.Hex, P.None, true, true),
        new(FieldId.XXReg3, "xxreg3", "NXM_NX_XXREG3", L.Registers + 48, 16, 0, 128, F.Hex, P.None, true, true),
        new(FieldId.EthSrc, "eth_src", "NXM_OF_ETH_SRC", L.DlSrc, 6, 0, 48, F.Ethernet, P.None, true, true),
        new(FieldId.EthDst, "eth_dst", "NXM_OF_ETH_DST", L.DlDst, 6, 0, 48, F.Ethernet, P.None, true, true),
        new(FieldId.EthType, "eth_type", "NXM_OF_ETH_TYPE", L.DlType, 2, 0, 16, F.Hex, P.None, false, false),
        new(FieldId.VlanTci, "vlan_tci", "NXM_OF_VLAN_TCI", L.Vlan0Tci, 2, 0, 16, F.Hex, P.None, true, true),
        new(FieldId.DlVlan, "dl_vlan", "", L.Vlan0Tci, 2, 0, 12, F.Decimal, P.None, false, true),
        new(FieldId.VlanVid, "vlan_vid", "OXM_OF_VLAN_VID", L.Vlan0Tci, 2, 0, 12, F.Decimal, P.None, true, true),
        new(FieldId.DlVlanPcp, "dl_vlan_pcp", "", L.Vlan0Tci, 2, 13, 3, F.Decimal, P.None, false, true),
        new(FieldId.VlanPcp, "vlan_pcp", "OXM_OF_VLAN_PCP", L.Vlan0Tci, 2, 13, 3, F.Decimal, P.VlanVid, false, true),
        new(FieldId.MplsLabel, "mpls_label", "OXM_OF_MPLS_LABEL", L.MplsLse0, 4, 12, 20, F.Decimal, P.Mpls, false, true),
        new(FieldId.MplsTc, "mpls_tc", "OXM_OF_MPLS_TC", L.MplsLse0, 4, 9, 3, F.Decimal, P.Mpls, false, true),
        new(FieldId.MplsBos, "mpls_bos", "OXM_OF_MPLS_BOS", L.MplsLse0, 4, 8, 1, F.Decimal, P.Mpls, false, false),
        new(FieldId.MplsTtl, "mpls_ttl", "NXM_NX_MPLS_TTL", L.MplsLse0, 4, 0, 8, F.Decimal, P.Mpls, false, true),
        new(FieldId.Ipv4Src, "ip_src", "NXM_OF_IP_SRC", L.NwSrc, 4, 0, 32, F.Ipv4, P.Ipv4, true, true),
        new(FieldId.Ipv4Dst, "ip_dst", "NXM_OF_IP_DST", L.NwDst, 4, 0, 32, F.Ipv4, P.Ipv4, true, true),
        new(FieldId.Ipv6Src, "ipv6_src", "NXM_NX_IPV6_SRC", L.Ipv6Src, 16, 0, 128, F.Ipv6, P.Ipv6, true, true),
        new(FieldId.Ipv6Dst, "ipv6_dst", "NXM_NX_IPV6_DST", L.Ipv6Dst, 16, 0, 128, F.Ipv6, P.Ipv6, true, true),
        new(FieldId.Ipv6Label, "ipv6_label", "NXM_NX_IPV6_LABEL", L.Ipv6Label, 4, 0, 20, F.Hex, P.Ipv6, true, true),
        new(FieldId.IpProto, "nw_proto", "NXM_OF_IP_PROTO", L.NwProto, 1, 0, 8, F.Decimal, P.IpAny, false, false),
        new(FieldId.NwTos, "nw_tos", "NXM_OF_IP_TOS", L.NwTos, 1, 0, 8, F.Decimal, P.IpAny, false, true),
        new(FieldId.IpDscp, "ip_dscp", "OXM_OF_IP_DSCP", L.NwTos, 1, 2, 6, F.Decimal, P.IpAny, false, true),
        new(FieldId.IpEcn, "nw_ecn", "NXM_NX_IP_ECN", L.NwTos, 1, 0, 2, F.Decimal, P.IpAny, false, true),
        new(FieldId.IpTtl, "nw_ttl", "NXM_NX_IP_TTL", L.NwTtl, 1, 0, 8, F.Decimal, P.IpAny, false, true),
        new(FieldId.IpFrag, "ip_frag", "NXM_NX_IP_FRAG", L.NwFrag, 1, 0, 2, F.Frag, P.IpAny, true, false),
        new(FieldId.ArpOp, "arp_op", "NXM_OF_ARP_OP", L.NwProto, 1, 0, 16, F.Decimal, P.Arp, false, true),
        new(FieldId.ArpSpa, "arp_spa", "NXM_OF_ARP_SPA", L.NwSrc, 4, 0, 32, F.Ipv4, P.Arp, true, true),
        new(FieldId.ArpTpa, "arp_tpa", "NXM_OF_ARP_TPA", L.NwDst, 4, 0, 32, F.Ipv4, P.Arp, true, true),
        new(FieldId.ArpSha, "arp_sha", "NXM_NX_ARP_SHA", L.ArpSha, 6, 0, 48, F.Ethernet, P.Arp, true, true),
        new(FieldId.ArpTha, "arp_tha", "NXM_NX_ARP_THA", L.ArpTha, 6, 0, 48, F.Ethernet, P.Arp, true, true),
        new(FieldId.TcpSrc, "tcp_src", "NXM_OF_TCP_SRC", L.TpSrc, 2, 0, 16, F.Decimal, P.Tcp, true, true),
        new(FieldId.TcpDst, "tcp_dst", "NXM_OF_TCP_DST", L.TpDst, 2, 0, 16, F.Decimal, P.Tcp, true, true),
        new(FieldId.TcpFlags, "tcp_flags", "NXM_NX_TCP_FLAGS", L.TcpFlags, 2, 0, 12, F.TcpFlags, P.Tcp, true, false),
        new(FieldId.UdpSrc, "udp_src", "NXM_OF_UDP_SRC", L.TpSrc, 2, 0, 16, F.Decimal, P.Udp, true, true),
        new(FieldId.UdpDst, "udp_dst", "NXM_OF_UDP_DST", L.TpDst, 2, 0, 16, F.Decimal, P.Udp, true, true),
        new(FieldId.SctpSrc, "sctp_src", "OXM_OF_SCTP_SRC", L.TpSrc, 2, 0, 16, F.Decimal, P.Sctp, true, true),
        new(FieldId.SctpDst, "sctp_dst", "OXM_OF_SCTP_DST", L.TpDst, 2, 0, 16, F.Decimal, P.Sctp, true, true),
        new(FieldId.Icmpv4Type, "icmp_type", "NXM_OF_ICMP_TYPE", L.TpSrc + 1, 1, 0, 8, F.Decimal, P.Icmpv4, false, true),
        new(FieldId.Icmpv4Code, "icmp_code", "NXM_OF_ICMP_CODE", L.TpDst + 1, 1, 0, 8, F.Decimal, P.Icmpv4, false, true),
        new(FieldId.Icmpv6Type, "icmpv6_type", "NXM_NX_ICMPV6_TYPE", L.TpSrc + 1, 1, 0, 8, F.Decimal, P.Icmpv6, false, true),
        new(FieldId.Icmpv6Code, "icmpv6_code", "NXM_NX_ICMPV6_CODE", L.TpDst + 1, 1, 0, 8, F.Decimal, P.Icmpv6, false, true),
        new(FieldId.NdTarget, "nd_target", "NXM_NX_ND_TARGET", L.NdTarget, 16, 0, 128, F.Ipv6, P.Nd, true, true),
        new(FieldId.NdSll, "nd_sll", "NXM_NX_ND_SLL", L.ArpSha, 6, 0, 48, F.Ethernet, P.NdSolicit, true, true),
        new(FieldId.NdTll, "nd_tll", "NXM_NX_ND_TLL", L.ArpTha, 6, 0, 48, F.Ethernet, P.NdAdvert, true, true),
    ];

    private static readonly Dictionary<string, Field> s_byName = BuildNames();

    /// <summary>
    /// The first Geneve option of the TLV table, right-aligned, at most 8 bytes of it. It is not among <see cref="All"/>: messages carry it, a match on it is refused, and actions need a mapping (<c>OfPipeline.SetOption</c>).
    /// </summary>
    public static Field TunMetadata0 { get; } = new(FieldId.TunMetadata0, "tun_metadata0", "NXM_NX_TUN_METADATA0", L.TunMetadata0, 8, 0, 64, F.Hex, P.None, true, true);

    /// <summary>The field with this id.</summary>
    public static Field Of(FieldId id) => id == FieldId.TunMetadata0 ? TunMetadata0 : All[(int)id];

    /// <summary>Looks a field up by ovs-ofctl name, alias, or NXM/OXM name (case-insensitive); null if there is none.</summary>
    public static Field? ByName(string name) => s_byName.GetValueOrDefault(name);

    private static Dictionary<string, Field> BuildNames()
    {
        var names = new Dictionary<string, Field>(StringComparer.OrdinalIgnoreCase);
        foreach (Field f in All)
        {
            names[f.Name] = f;
            if (f.NxmName.Length > 0) names[f.NxmName] = f;
        }

        foreach ((string alias, FieldId id) in s_aliases) names[alias] = Of(id);
        return names;
    }

    private static (string Alias, FieldId Id)[] s_aliases =>
    [
        ("dl_src", FieldId.EthSrc), ("dl_dst", FieldId.EthDst), ("dl_type", FieldId.EthType),
        ("OXM_OF_ETH_SRC", FieldId.EthSrc), ("OXM_OF_ETH_DST", FieldId.EthDst), ("OXM_OF_ETH_TYPE", FieldId.EthType),
        ("nw_src", FieldId.Ipv4Src), ("nw_dst", FieldId.Ipv4Dst), ("ip_proto", FieldId.IpProto),
        ("OXM_OF_IPV4_SRC", FieldId.Ipv4Src), ("OXM_OF_IPV4_DST", FieldId.Ipv4Dst), ("OXM_OF_IP_PROTO", FieldId.IpProto),
        ("OXM_OF_IPV6_SRC", FieldId.Ipv6Src), ("OXM_OF_IPV6_DST", FieldId.Ipv6Dst), ("OXM_OF_IPV6_FLABEL", FieldId.Ipv6Label),
        ("ip_ecn", FieldId.IpEcn), ("OXM_OF_IP_ECN", FieldId.IpEcn), ("ip_ttl", FieldId.IpTtl), ("OXM_OF_NW_TTL", FieldId.IpTtl),
        ("tp_src", FieldId.TcpSrc), ("tp_dst", FieldId.TcpDst), ("OXM_OF_TCP_SRC", FieldId.TcpSrc), ("OXM_OF_TCP_DST", FieldId.TcpDst),
        ("OXM_OF_UDP_SRC", FieldId.UdpSrc), ("OXM_OF_UDP_DST", FieldId.UdpDst), ("ONFOXM_ET_TCP_FLAGS", FieldId.TcpFlags), ("OXM_OF_TCP_FLAGS", FieldId.TcpFlags),
        ("icmpv4_type", FieldId.Icmpv4Type), ("icmpv4_code", FieldId.Icmpv4Code),
        ("OXM_OF_ICMPV4_TYPE", FieldId.Icmpv4Type), ("OXM_OF_ICMPV4_CODE", FieldId.Icmpv4Code),
        ("OXM_OF_ICMPV6_TYPE", FieldId.Icmpv6Type), ("OXM_OF_ICMPV6_CODE", FieldId.Icmpv6Code),
        ("OXM_OF_ARP_OP", FieldId.ArpOp), ("OXM_OF_ARP_SPA", FieldId.ArpSpa), ("OXM_OF_ARP_TPA", FieldId.ArpTpa),
        ("OXM_OF_ARP_SHA", FieldId.ArpSha), ("OXM_OF_ARP_THA", FieldId.ArpTha),
        ("OXM_OF_IPV6_ND_TARGET", FieldId.NdTarget), ("OXM_OF_IPV6_ND_SLL", FieldId.NdSll), ("OXM_OF_IPV6_ND_TLL", FieldId.NdTll),
        ("nw_frag", FieldId.IpFrag), ("ct_labels", FieldId.CtLabel), ("tunnel_id", FieldId.TunId), ("OXM_OF_TUNNEL_ID", FieldId.TunId),
        ("ONFOXM_ET_ACTSET_OUTPUT", FieldId.ActsetOutput), ("OXM_OF_VLAN_TCI", FieldId.VlanTci),
    ];
}
