using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>One direction of a connection, for people (OVS <c>struct ct_dpif_tuple</c>).</summary>
/// <param name="IsIpv6">Addresses are IPv6.</param>
/// <param name="Src">Source address; IPv4 in the first four bytes.</param>
/// <param name="Dst">Destination address; IPv4 in the first four bytes.</param>
/// <param name="Proto">IP protocol.</param>
/// <param name="SrcPort">Source port, host order; 0 for ICMP and protocols without ports.</param>
/// <param name="DstPort">Destination port, host order.</param>
/// <param name="IcmpId">ICMP identifier, host order.</param>
/// <param name="IcmpType">ICMP type.</param>
/// <param name="IcmpCode">ICMP code.</param>
public readonly record struct ConnTuple(
    bool IsIpv6,
    Ipv6Address Src,
    Ipv6Address Dst,
    byte Proto,
    ushort SrcPort,
    ushort DstPort,
    ushort IcmpId,
    byte IcmpType,
    byte IcmpCode)
{
    /// <summary>True for ICMP and ICMPv6, whose tuples have id, type and code instead of ports.</summary>
    public bool IsIcmp => IsIpv6 ? Proto == IpProto.Icmpv6 : Proto == IpProto.Icmp;
}
