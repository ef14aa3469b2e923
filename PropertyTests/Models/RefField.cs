namespace Mergeflow.PropertyTests;

/// <summary>The fields of the reference model, one number each (wire order, right-aligned). ARP and ND share slots as in OVS <c>struct flow</c>.</summary>
internal enum RefField
{
    InPort,
    EthSrc,
    EthDst,
    EthType,

    /// <summary>Outer tag: TPID, 0 = no tag.</summary>
    Tpid0,

    /// <summary>Outer tag: TCI with bit 12 = a tag is there.</summary>
    Tci0,
    Tpid1,
    Tci1,
    IpSrc,
    IpDst,
    Ip6Src,
    Ip6Dst,
    Ip6Label,

    /// <summary>IP protocol, or the ARP opcode.</summary>
    Proto,
    Tos,
    Ttl,

    /// <summary>1 = a fragment, 3 = a later fragment.</summary>
    Frag,

    /// <summary>ARP sender hardware address, or the ND source link-layer option.</summary>
    HwSrc,

    /// <summary>ARP target hardware address, or the ND target link-layer option.</summary>
    HwDst,
    NdTarget,

    /// <summary>Source port, or the ICMP type.</summary>
    TpSrc,

    /// <summary>Destination port, or the ICMP code.</summary>
    TpDst,
    TcpFlags,
    CtState,
    CtZone,
    CtMark,
    CtLabel,
    CtProto,
    CtIpSrc,
    CtIpDst,
    CtIp6Src,
    CtIp6Dst,
    CtTpSrc,
    CtTpDst,
    Metadata,
    PktMark,
    TunId,
    Reg0,

    /// <summary>Number of fields: reg0..reg15 take sixteen slots from <see cref="Reg0"/> on.</summary>
    Count = Reg0 + 16,
}
