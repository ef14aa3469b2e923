using System.Net;

namespace Mergeflow.Native;

/// <summary>A route (RTM_NEWROUTE).</summary>
public sealed record RtRoute
{
    /// <summary>Prefix; all zero for a default route.</summary>
    public required IPAddress Destination { get; init; }

    /// <summary>Bits of the prefix.</summary>
    public required int PrefixLength { get; init; }

    /// <summary>Table: 254 main, 255 local.</summary>
    public uint Table { get; init; }

    /// <summary>RTN_*: 1 unicast, 2 local, 3 broadcast, 5 multicast, 6 blackhole, 7 unreachable.</summary>
    public byte Type { get; init; }

    /// <summary>RT_SCOPE_*.</summary>
    public byte Scope { get; init; }

    /// <summary>Who made it, RTPROT_*.</summary>
    public byte Protocol { get; init; }

    /// <summary>The smaller one wins among equal prefixes.</summary>
    public uint Priority { get; init; }

    /// <summary>Source address that it prefers; null = none.</summary>
    public IPAddress? PreferredSource { get; init; }

    /// <summary>Where its packets go; empty for a route that drops.</summary>
    public IReadOnlyList<RtNextHop> NextHops { get; init; } = [];
}

/// <summary>One way of a route.</summary>
/// <param name="Interface">Index of the interface.</param>
/// <param name="Gateway">The next router, also one of the other family (RTA_VIA); null = the destination itself.</param>
/// <param name="Weight">Share among several, 1 or more.</param>
public sealed record RtNextHop(int Interface, IPAddress? Gateway, int Weight = 1);
