namespace Mergeflow.Engine.Keys;

/// <summary>What must be pinned by the match before a field may be used (OVS <c>MFP_*</c>).</summary>
public enum FieldPrereq : byte
{
    None,
    Arp,
    VlanVid,
    Ipv4,
    Ipv6,
    IpAny,
    CtValid,
    Mpls,
    Tcp,
    Udp,
    Sctp,
    Icmpv4,
    Icmpv6,
    NdSolicit,
    NdAdvert,
    Nd,
    CtState,

    /// <summary>IP with ports in reach: not a later fragment (OVS <c>OFPACT_SET_L4_SRC_PORT</c>); no field of its own.</summary>
    L4,
}
