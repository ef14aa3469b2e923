using H = Mergeflow.Nic.NicHeaders;

namespace Mergeflow.Nic;

/// <summary>The table of all matchable fields, in <see cref="NicField"/> order.</summary>
public static class NicFields
{
    /// <summary>Every field; <c>All[(int)f].Field == f</c>.</summary>
    public static IReadOnlyList<NicFieldInfo> All { get; } =
    [
        new(NicField.Port, "port", 16, 4, 0xffff_ffff, H.None),
        new(NicField.EthDst, "eth_dst", 0, 6, 0xffff_ffff_ffff, H.None),
        new(NicField.EthSrc, "eth_src", 6, 6, 0xffff_ffff_ffff, H.None),
        new(NicField.EthType, "eth_type", 12, 2, 0xffff, H.None),
        new(NicField.HasVlan, "has_vlan", 14, 2, (ushort)H.Vlan, H.None),
        new(NicField.VlanTpid, "vlan_tpid", 20, 2, 0xffff, H.Vlan),
        new(NicField.VlanVid, "vlan_vid", 22, 2, 0x0fff, H.Vlan),
        new(NicField.VlanPcp, "vlan_pcp", 22, 2, 0xe000, H.Vlan),
        new(NicField.VlanDei, "vlan_dei", 22, 2, 0x1000, H.Vlan),
        new(NicField.HasMoreVlan, "has_more_vlan", 14, 2, (ushort)H.Vlan2, H.None),
        new(NicField.Vlan2Tpid, "vlan2_tpid", 24, 2, 0xffff, H.Vlan2),
        new(NicField.Vlan2Vid, "vlan2_vid", 26, 2, 0x0fff, H.Vlan2),
        new(NicField.Vlan2Pcp, "vlan2_pcp", 26, 2, 0xe000, H.Vlan2),
        new(NicField.Vlan2Dei, "vlan2_dei", 26, 2, 0x1000, H.Vlan2),
        new(NicField.MplsLabel, "mpls_label", 96, 4, 0xffff_f000, H.Mpls),
        new(NicField.MplsTc, "mpls_tc", 96, 4, 0xe00, H.Mpls),
        new(NicField.MplsBos, "mpls_bos", 96, 4, 0x100, H.Mpls),
        new(NicField.MplsTtl, "mpls_ttl", 96, 4, 0xff, H.Mpls),
        new(NicField.Mpls2Lse, "mpls2_lse", 100, 4, 0xffff_ffff, H.Mpls),
        new(NicField.Mpls3Lse, "mpls3_lse", 104, 4, 0xffff_ffff, H.Mpls),
        new(NicField.Ipv4Src, "ipv4_src", 36, 4, 0xffff_ffff, H.Ipv4),
        new(NicField.Ipv4Dst, "ipv4_dst", 40, 4, 0xffff_ffff, H.Ipv4),
        new(NicField.Ipv6Src, "ipv6_src", 64, 16, UInt128.MaxValue, H.Ipv6),
        new(NicField.Ipv6Dst, "ipv6_dst", 80, 16, UInt128.MaxValue, H.Ipv6),
        new(NicField.Ipv6Label, "ipv6_label", 56, 4, 0xf_ffff, H.Ipv6),
        new(NicField.IpProto, "ip_proto", 32, 1, 0xff, H.Ipv4 | H.Ipv6),
        new(NicField.IpDscp, "ip_dscp", 33, 1, 0xfc, H.Ipv4 | H.Ipv6),
        new(NicField.IpEcn, "ip_ecn", 33, 1, 0x03, H.Ipv4 | H.Ipv6),
        new(NicField.IpTtl, "ip_ttl", 34, 1, 0xff, H.Ipv4 | H.Ipv6),
        new(NicField.IpFrag, "ip_frag", 29, 1, 0x03, H.Ipv4),
        new(NicField.TpSrc, "tp_src", 44, 2, 0xffff, H.Tcp | H.Udp),
        new(NicField.TpDst, "tp_dst", 46, 2, 0xffff, H.Tcp | H.Udp),
        new(NicField.TcpFlags, "tcp_flags", 48, 2, 0x0fff, H.Tcp),
        new(NicField.IcmpType, "icmp_type", 50, 1, 0xff, H.Icmp | H.Icmp6),
        new(NicField.IcmpCode, "icmp_code", 51, 1, 0xff, H.Icmp | H.Icmp6),
        new(NicField.ArpOp, "arp_op", 52, 2, 0xffff, H.Arp),
        new(NicField.ArpSpa, "arp_spa", 36, 4, 0xffff_ffff, H.Arp),
        new(NicField.ArpTpa, "arp_tpa", 40, 4, 0xffff_ffff, H.Arp),
        new(NicField.ArpSha, "arp_sha", 112, 6, 0xffff_ffff_ffff, H.Arp),
        new(NicField.ArpTha, "arp_tha", 118, 6, 0xffff_ffff_ffff, H.Arp),
        new(NicField.NdTarget, "nd_target", 96, 16, UInt128.MaxValue, H.Nd),
        new(NicField.NdSll, "nd_sll", 112, 6, 0xffff_ffff_ffff, H.Nd),
        new(NicField.NdTll, "nd_tll", 118, 6, 0xffff_ffff_ffff, H.Nd),
        new(NicField.Ipv4CsumOk, "ipv4_csum_ok", 28, 1, NicKey.Ipv4CsumOk, H.None),
        new(NicField.L4CsumOk, "l4_csum_ok", 28, 1, NicKey.L4CsumOk, H.None),
        new(NicField.TunId, "tun_id", 96, 8, ulong.MaxValue, H.Tunnel),
        new(NicField.TunSrc, "tun_src", 104, 4, 0xffff_ffff, H.Tunnel),
        new(NicField.TunDst, "tun_dst", 108, 4, 0xffff_ffff, H.Tunnel),
        new(NicField.TunOption, "tun_option", 112, 8, ulong.MaxValue, H.Tunnel),
        new(NicField.TunFlags, "tun_flags", 120, 2, 0xffff, H.Tunnel),
        new(NicField.TunTos, "tun_tos", 122, 1, 0xff, H.Tunnel),
        new(NicField.TunTtl, "tun_ttl", 123, 1, 0xff, H.Tunnel),
        new(NicField.TunHasOption, "tun_has_option", 124, 1, 0xff, H.Tunnel),
    ];

    private static readonly Dictionary<string, NicFieldInfo> s_byName = All.ToDictionary(static f => f.Name);

    /// <summary>The entry of <paramref name="field"/>.</summary>
    public static NicFieldInfo Get(NicField field) => All[(int)field];

    /// <summary>The field's bits inside its container.</summary>
    public static UInt128 FullMask(this NicField field) => All[(int)field].FullMask;

    /// <summary>Looks a name up; null if there is none.</summary>
    public static NicFieldInfo? Find(string name) => s_byName.GetValueOrDefault(name);
}

/// <summary>Where a field lies in <see cref="NicKey"/>.</summary>
/// <param name="Field">Index in <see cref="NicFields.All"/>.</param>
/// <param name="Name">Name in profiles and messages.</param>
/// <param name="Offset">Byte offset of the big-endian container.</param>
/// <param name="SizeBytes">Size of the container.</param>
/// <param name="FullMask">The field's bits inside the container.</param>
/// <param name="Headers">The bytes mean this field only if one of these headers is required by the rule; None = always.</param>
public sealed record NicFieldInfo(NicField Field, string Name, int Offset, int SizeBytes, UInt128 FullMask, NicHeaders Headers)
{
    /// <summary>Reads the container's bits of this field from a key, mask or value.</summary>
    public UInt128 Read(ReadOnlySpan<byte> key)
    {
        UInt128 v = 0;
        foreach (byte b in key.Slice(Offset, SizeBytes)) v = (v << 8) | b;
        return v & FullMask;
    }

    /// <summary>True if a rule with these header requirements means this field by these bytes.</summary>
    public bool AppliesTo(NicHeaders required) => Headers == NicHeaders.None || (required & Headers) != 0;
}

/// <summary>Matchable fields of the device; index in <see cref="NicFields.All"/>.</summary>
public enum NicField : byte
{
    Port,
    EthDst,
    EthSrc,
    EthType,
    HasVlan,
    VlanTpid,
    VlanVid,
    VlanPcp,
    VlanDei,
    HasMoreVlan,
    Vlan2Tpid,
    Vlan2Vid,
    Vlan2Pcp,
    Vlan2Dei,
    MplsLabel,
    MplsTc,
    MplsBos,
    MplsTtl,
    Mpls2Lse,
    Mpls3Lse,
    Ipv4Src,
    Ipv4Dst,
    Ipv6Src,
    Ipv6Dst,
    Ipv6Label,
    IpProto,
    IpDscp,
    IpEcn,
    IpTtl,
    IpFrag,
    TpSrc,
    TpDst,
    TcpFlags,
    IcmpType,
    IcmpCode,
    ArpOp,
    ArpSpa,
    ArpTpa,
    ArpSha,
    ArpTha,
    NdTarget,
    NdSll,
    NdTll,
    Ipv4CsumOk,
    L4CsumOk,
    TunId,
    TunSrc,
    TunDst,
    TunOption,
    TunFlags,
    TunTos,
    TunTtl,
    TunHasOption,
}
