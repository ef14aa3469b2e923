using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>A datagram of which fragments are on hold, for people (OVS <c>ipf_dump_create</c>).</summary>
/// <param name="IsIpv6">Addresses are IPv6.</param>
/// <param name="Src">Source; IPv4 in the first four bytes.</param>
/// <param name="Dst">Destination.</param>
/// <param name="RecircId">Pass that its fragments came to conntrack in.</param>
/// <param name="IpId">Identification.</param>
/// <param name="Zone">Zone.</param>
/// <param name="Proto">IP protocol.</param>
/// <param name="FragmentCount">Fragments on hold.</param>
/// <param name="State">What has been seen of it.</param>
public sealed record HeldDatagram(bool IsIpv6, Ipv6Address Src, Ipv6Address Dst, uint RecircId, uint IpId, ushort Zone, byte Proto, int FragmentCount, HeldDatagramState State);

/// <summary>What has been seen of a datagram (OVS <c>enum ipf_list_state</c>).</summary>
public enum HeldDatagramState : byte
{
    /// <summary>Neither the first fragment nor the last.</summary>
    Other,

    /// <summary>The first one.</summary>
    First,

    /// <summary>The last one.</summary>
    Last,

    /// <summary>Both.</summary>
    FirstAndLast,

    /// <summary>All.</summary>
    Complete,

    /// <summary>All, and they cannot be put together.</summary>
    Failed,
}
