using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>A route of the host (OVS <c>ovs-router</c>).</summary>
/// <param name="Prefix">Destination; IPv4 in the first four bytes.</param>
/// <param name="PrefixLength">Its bits.</param>
/// <param name="IsIpv6">Family.</param>
/// <param name="UnderlayPort">Port that leads to its device; 0 = the device is none of the switch.</param>
/// <param name="Device">Name of the device.</param>
/// <param name="Mac">Ethernet address of the device.</param>
/// <param name="Source">Address that packets by this route have.</param>
/// <param name="Gateway">Next router; null = the destination is a neighbour.</param>
public sealed record TunnelRoute(Ipv6Address Prefix, int PrefixLength, bool IsIpv6, uint UnderlayPort, string Device, EthAddress Mac, Ipv6Address Source, Ipv6Address? Gateway)
{
    /// <summary>The bridge that has <see cref="UnderlayPort"/>: what has been encapsulated comes to it by that port. Null = it leaves by the port of that number, whose bridge has no say.</summary>
    public OfPipeline? Bridge { get; init; }
}

/// <summary>An Ethernet address that the host knows of an IP address (OVS <c>tnl-neigh-cache</c>).</summary>
/// <param name="UnderlayPort">Port that leads there.</param>
/// <param name="Address">IPv4 in the first four bytes.</param>
/// <param name="IsIpv6">Family.</param>
/// <param name="Mac">Ethernet address.</param>
public sealed record TunnelNeighbor(uint UnderlayPort, Ipv6Address Address, bool IsIpv6, EthAddress Mac)
{
    /// <summary>The bridge that has the port; null = see <see cref="TunnelRoute.Bridge"/>.</summary>
    public OfPipeline? Bridge { get; init; }
}

/// <summary>What a packet to a port with an address has told: who has an IP address (OVS <c>tnl_neigh_snoop</c>).</summary>
/// <param name="Port">The port that the packet went to.</param>
/// <param name="Address">IPv4 in the first four bytes.</param>
/// <param name="IsIpv6">Family.</param>
/// <param name="Mac">Ethernet address.</param>
public readonly record struct SeenNeighbor(uint Port, Ipv6Address Address, bool IsIpv6, EthAddress Mac);

/// <summary>An address of the switch's own at which encapsulated packets end (OVS <c>tnl-ports</c>).</summary>
/// <param name="Port">Port of this bridge that has the address.</param>
/// <param name="Mac">Its Ethernet address.</param>
/// <param name="Address">IPv4 in the first four bytes.</param>
/// <param name="IsIpv6">Family.</param>
/// <param name="Kind">Encapsulation.</param>
/// <param name="DestinationPort">UDP port, host order; 0 for GRE.</param>
public sealed record TunnelEnd(uint Port, EthAddress Mac, Ipv6Address Address, bool IsIpv6, TunnelKind Kind, ushort DestinationPort)
{
    /// <summary>Whether frames with these fields end there.</summary>
    public bool Is(uint port, EthAddress mac, bool isIpv6, in Ipv6Address address)
        => Port == port && IsIpv6 == isIpv6 && Mac == mac && Address == address;
}

/// <summary>What tunnels know of the network below. Immutable; values compare by content.</summary>
public sealed record TunnelUnderlay
{
    /// <summary>There is none.</summary>
    public static readonly TunnelUnderlay None = new();

    private readonly EquatableList<TunnelRoute> _routes = EquatableList<TunnelRoute>.Empty;
    private readonly EquatableList<TunnelNeighbor> _neighbors = EquatableList<TunnelNeighbor>.Empty;
    private readonly EquatableList<TunnelEnd> _ends = EquatableList<TunnelEnd>.Empty;
    private readonly EquatableList<uint> _entries = EquatableList<uint>.Empty;
    private readonly Dictionary<(OfPipeline?, uint, Ipv6Address, bool), EthAddress> _macs = [];

    /// <summary>Routes, in any order; the longest prefix wins, then the first.</summary>
    public EquatableList<TunnelRoute> Routes
    {
        get => _routes;
        init => _routes = new EquatableList<TunnelRoute>(value.OrderByDescending(static r => r.PrefixLength));
    }

    /// <summary>Neighbours on devices of the switch.</summary>
    public EquatableList<TunnelNeighbor> Neighbors
    {
        get => _neighbors;
        init
        {
            _neighbors = value;
            _macs = [];
            foreach (TunnelNeighbor n in value) _macs[(n.Bridge, n.UnderlayPort, n.Address, n.IsIpv6)] = n.Mac;
        }
    }

    /// <summary>Where encapsulated packets end that this bridge would give to one of its ports.</summary>
    public EquatableList<TunnelEnd> Ends
    {
        get => _ends;
        init => _ends = value;
    }

    /// <summary>Ports by which encapsulated packets come that have ended at a bridge.</summary>
    public EquatableList<uint> Entries
    {
        get => _entries;
        init => _entries = value;
    }

    /// <summary>The route to an address; null = there is none.</summary>
    public TunnelRoute? Find(in Ipv6Address destination, bool isIpv6)
    {
        UInt128 wanted = destination.ToUInt128();
        foreach (TunnelRoute route in _routes)
        {
            UInt128 mask = route.PrefixLength == 0 ? 0 : UInt128.MaxValue << (128 - route.PrefixLength);
            if (route.IsIpv6 == isIpv6 && ((route.Prefix.ToUInt128() ^ wanted) & mask) == 0) return route;
        }

        return null;
    }

    /// <summary>The Ethernet address of a neighbour; null = nobody knows.</summary>
    public EthAddress? MacOf(OfPipeline? bridge, uint underlayPort, in Ipv6Address address, bool isIpv6) => _macs.TryGetValue((bridge, underlayPort, address, isIpv6), out EthAddress mac) ? mac : null;

    /// <summary>Encapsulated packets may end at the port.</summary>
    public bool EndsAt(uint port)
    {
        foreach (TunnelEnd end in _ends)
        {
            if (end.Port == port) return true;
        }

        return false;
    }

    /// <summary>What comes by this port has ended at a bridge.</summary>
    public bool IsEntry(uint port)
    {
        foreach (uint entry in _entries)
        {
            if (entry == port) return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public bool Equals(TunnelUnderlay? other)
        => other is not null && _routes.Equals(other._routes) && _neighbors.Equals(other._neighbors) && _ends.Equals(other._ends) && _entries.Equals(other._entries);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_routes, _neighbors, _ends, _entries);
}
