using System.Net;
using System.Net.Sockets;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Control;

/// <summary>What the kernel knows of devices, routes and neighbours, and which way a tunnel takes by that (OVS <c>ovs-router</c>, <c>tnl-neigh-cache</c>). Decides; does nothing.</summary>
public sealed class TunnelWay
{
    private const byte Unicast = 1;

    private readonly Dictionary<int, RtLink> _links = [];
    private readonly Dictionary<(int, IPAddress), RtNeighbor> _neighbors = [];
    private readonly HashSet<RtAddress> _addresses = [];
    private readonly List<RtRoute> _routes = [];

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

    /// <summary>Forgets everything: it will be told anew.</summary>
    public void Clear()
    {
        _links.Clear();
        _neighbors.Clear();
        _addresses.Clear();
        _routes.Clear();
    }

    /// <summary>The way of a tunnel through a device.</summary>
    /// <param name="wanted">The tunnel; its underlay addresses are found here.</param>
    /// <param name="device">Device whose addresses it has, the switch's own way into the network below.</param>
    /// <param name="remote">Its peer.</param>
    /// <param name="unknown">Next hop whose Ethernet address is not known, or null.</param>
    /// <returns>Null: there is no way now.</returns>
    public TunnelPort? Of(TunnelPort wanted, string device, IPAddress remote, out IPAddress? unknown)
    {
        unknown = null;
        RtLink? link = _links.Values.FirstOrDefault(l => l.Name == device);
        if (link is not { IsUp: true }) return null;
        if (NextHop(link.Index, remote) is not { } next) return null;
        RtAddress? own = _addresses.Where(a => a.Interface == link.Index && a.Address.AddressFamily == remote.AddressFamily && !a.Address.IsIPv6LinkLocal)
            .OrderByDescending(a => Covers(a.Address, a.PrefixLength, next)).ThenBy(static a => a.Address.ToString(), StringComparer.Ordinal).FirstOrDefault();
        if (own is null) return null;
        if (!_neighbors.TryGetValue((link.Index, next), out RtNeighbor? neighbor) || !neighbor.IsValid)
        {
            unknown = next;
            return null;
        }

        return wanted with { UnderlayAddress = Raw(own.Address), UnderlayMac = EthAddress.FromUInt64(link.Mac), NextHopMac = EthAddress.FromUInt64(neighbor.Mac!.Value) };
    }

    /// <summary>An address as tunnels have it: IPv4 in the first four bytes.</summary>
    public static Ipv6Address Raw(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        return Ipv6Address.From(bytes);
    }

    private IPAddress? NextHop(int index, IPAddress remote)
    {
        RtRoute? best = _routes.Where(r => r.Type == Unicast && r.NextHops.Any(h => h.Interface == index) && Covers(r.Destination, r.PrefixLength, remote))
            .OrderByDescending(static r => r.PrefixLength).ThenBy(static r => r.Priority).FirstOrDefault();
        return best is null ? null : best.NextHops.First(h => h.Interface == index).Gateway ?? remote;
    }

    private static bool Covers(IPAddress prefix, int bits, IPAddress address)
        => prefix.AddressFamily == address.AddressFamily && bits <= (prefix.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)
            && ((Raw(prefix).ToUInt128() ^ Raw(address).ToUInt128()) & (bits == 0 ? 0 : UInt128.MaxValue << (128 - bits))) == 0;

    private static bool IsSame(RtRoute a, RtRoute b)
        => a.Table == b.Table && a.PrefixLength == b.PrefixLength && a.Priority == b.Priority && a.Destination.Equals(b.Destination)
            && (b.NextHops.Count == 0 || a.NextHops.SequenceEqual(b.NextHops));
}
