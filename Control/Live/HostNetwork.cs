using System.Net;
using System.Net.Sockets;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Control;

/// <summary>What the kernel has told of devices, addresses, routes and neighbours, and what was said beside.</summary>
public sealed class HostNetwork
{
    private const byte Unicast = 1;
    private const uint MainTable = 254;
    private const uint DefaultTable = 253;

    private readonly Dictionary<int, RtLink> _links = [];
    private readonly Dictionary<(int, IPAddress), RtNeighbor> _neighbors = [];
    private readonly HashSet<RtAddress> _addresses = [];
    private readonly List<RtRoute> _routes = [];

    /// <summary>All devices.</summary>
    public IReadOnlyCollection<RtLink> Links => _links.Values;

    /// <summary>All neighbours whose Ethernet address is known.</summary>
    public IEnumerable<RtNeighbor> Neighbors => SaidNeighbors.Concat(_neighbors.Values.Where(static n => n.IsValid)).DistinctBy(static n => (n.Interface, n.Address));

    /// <summary>Routes and neighbours that were said.</summary>
    public SaidNetwork Said { get; } = new();

    /// <summary>All addresses of the host.</summary>
    public IReadOnlyCollection<RtAddress> Addresses => _addresses;

    /// <summary>All routes, of whatever table.</summary>
    public IReadOnlyList<RtRoute> Routes => _routes;

    /// <summary>Routes that packets of the host itself take: the longest prefix first, then the smallest metric.</summary>
    public IEnumerable<RtRoute> OwnRoutes => SaidRoutes.Concat(_routes.Where(r => r is { Type: Unicast, Table: MainTable or DefaultTable, NextHops.Count: > 0 } && !Said.Hides(r.Destination, r.PrefixLength)))
        .OrderByDescending(static r => r.PrefixLength).ThenBy(static r => r.Priority);

    private IEnumerable<RtRoute> SaidRoutes => Said.Routes.Where(r => r.Mark == 0 && LinkOf(r.Device) is not null).Select(r => new RtRoute
    {
        Destination = r.Destination,
        PrefixLength = r.PrefixLength,
        Table = MainTable,
        Type = Unicast,
        PreferredSource = r.Source,
        NextHops = [new RtNextHop(LinkOf(r.Device)!.Index, r.Gateway)],
    });

    private IEnumerable<RtNeighbor> SaidNeighbors => Said.Neighbors.Where(n => LinkOf(n.Device) is not null).Select(n => new RtNeighbor(LinkOf(n.Device)!.Index, n.Address, n.Mac, RtNeighborState.Permanent, false));

    /// <summary>Takes over what the kernel has told.</summary>
    public void Learn(RtEvent told)
    {
        switch (told.Kind)
        {
            case RtEventKind.Link when told.IsGone:
                _links.Remove(told.Link!.Index);
                break;
            case RtEventKind.Link:
                _links[told.Link!.Index] = told.Link;
                break;
            case RtEventKind.Neighbor when told.IsGone:
                _neighbors.Remove((told.Neighbor!.Interface, told.Neighbor.Address));
                break;
            case RtEventKind.Neighbor:
                _neighbors[(told.Neighbor!.Interface, told.Neighbor.Address)] = told.Neighbor;
                break;
            case RtEventKind.Address when told.IsGone:
                _addresses.Remove(told.Address!);
                break;
            case RtEventKind.Address:
                _addresses.Add(told.Address!);
                break;
            case RtEventKind.Route:
                _routes.RemoveAll(r => IsSame(r, told.Route!));
                if (!told.IsGone) _routes.Add(told.Route!);
                break;
        }
    }

    /// <summary>Ports without devices that have addresses, in the place of those of before: links with negative numbers.</summary>
    public void SayDevices(IReadOnlyCollection<RtLink> links, IReadOnlyCollection<RtAddress> addresses)
    {
        foreach (int index in _links.Keys.Where(static i => i < 0).ToArray()) _links.Remove(index);
        _addresses.RemoveWhere(static a => a.Interface < 0);
        foreach (RtLink link in links) _links[link.Index] = link;
        _addresses.UnionWith(addresses);
    }

    /// <summary>Forgets everything that the kernel has told: it will be told anew.</summary>
    public void Clear()
    {
        _links.Clear();
        _neighbors.Clear();
        _addresses.Clear();
        _routes.Clear();
    }

    /// <summary>A device by its number; null = there is none.</summary>
    public RtLink? Link(int index) => _links.GetValueOrDefault(index);

    /// <summary>A device by its name, a port without a device before a device of the kernel; null = there is none.</summary>
    public RtLink? LinkOf(string name) => _links.Values.Where(l => l.Name == name).MinBy(static l => l.Index);

    /// <summary>The Ethernet address of a neighbour; null = nobody has said it.</summary>
    public ulong? MacOf(int device, IPAddress address) => SaidNeighbors.FirstOrDefault(n => n.Interface == device && n.Address.Equals(address)) is { } said ? said.Mac : _neighbors.TryGetValue((device, address), out RtNeighbor? neighbor) && neighbor.IsValid ? neighbor.Mac : null;

    /// <summary>The address that packets through a device to a next hop have; null = it has none of that family.</summary>
    public IPAddress? SourceFor(int device, IPAddress next) => _addresses.Where(a => a.Interface == device && a.Address.AddressFamily == next.AddressFamily && !a.Address.IsIPv6LinkLocal)
        .OrderByDescending(a => Covers(a.Address, a.PrefixLength, next)).ThenBy(static a => a.Address.ToString(), StringComparer.Ordinal).FirstOrDefault()?.Address;

    /// <summary>The address of a device in whose network another one is, the smallest such network; null = it is in none.</summary>
    public IPAddress? SourceWithin(int device, IPAddress next) => _addresses.Where(a => a.Interface == device && Covers(a.Address, a.PrefixLength, next)).MaxBy(static a => a.PrefixLength)?.Address;

    /// <summary>The route that packets of the host take to an address; null = there is none.</summary>
    public RtRoute? RouteTo(IPAddress address) => OwnRoutes.FirstOrDefault(r => Covers(r.Destination, r.PrefixLength, address));

    /// <summary>An address as tunnels have it: IPv4 in the first four bytes.</summary>
    public static Ipv6Address Raw(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        return Ipv6Address.From(bytes);
    }

    /// <summary>Whether an address is within a prefix.</summary>
    public static bool Covers(IPAddress prefix, int bits, IPAddress address)
        => prefix.AddressFamily == address.AddressFamily && bits <= (prefix.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)
            && ((Raw(prefix).ToUInt128() ^ Raw(address).ToUInt128()) & (bits == 0 ? 0 : UInt128.MaxValue << (128 - bits))) == 0;

    private static bool IsSame(RtRoute a, RtRoute b)
        => a.Table == b.Table && a.PrefixLength == b.PrefixLength && a.Priority == b.Priority && a.Destination.Equals(b.Destination)
            && (b.NextHops.Count == 0 || a.NextHops.SequenceEqual(b.NextHops));
}
