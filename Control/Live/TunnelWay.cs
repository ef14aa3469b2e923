using System.Net;
using System.Net.Sockets;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Control;

/// <summary>Which way a tunnel takes by what the kernel knows of devices, routes and neighbours (OVS <c>ovs-router</c>, <c>tnl-neigh-cache</c>). Decides; does nothing.</summary>
public sealed class TunnelWay
{
    private const byte Unicast = 1;

    private readonly HostNetwork _host = new();

    /// <summary>Takes over what the kernel has told.</summary>
    public void Learn(RtEvent told) => _host.Learn(told);

    /// <summary>Forgets everything: it will be told anew.</summary>
    public void Clear() => _host.Clear();

    /// <summary>The way of a tunnel through a device.</summary>
    /// <param name="wanted">The tunnel; its underlay addresses are found here.</param>
    /// <param name="device">Device whose addresses it has, the switch's own way into the network below.</param>
    /// <param name="remote">Its peer.</param>
    /// <param name="unknown">Next hop whose Ethernet address is not known, or null.</param>
    /// <returns>Null: there is no way now.</returns>
    public TunnelPort? Of(TunnelPort wanted, string device, IPAddress remote, out IPAddress? unknown)
    {
        unknown = null;
        if (LinkOf(device) is not { IsUp: true } link) return null;
        if (NextHop(link.Index, remote) is not { } next) return null;
        if (_host.SourceFor(link.Index, next) is not { } own) return null;
        if (_host.MacOf(link.Index, next) is not { } mac)
        {
            unknown = next;
            return null;
        }

        return wanted with { UnderlayAddress = Raw(own), UnderlayMac = EthAddress.FromUInt64(link.Mac), NextHopMac = EthAddress.FromUInt64(mac) };
    }

    /// <summary>The way of a tunnel through a device to whichever peer: its own addresses; null = there are none now.</summary>
    public TunnelPort? ToAny(TunnelPort wanted, string device)
    {
        AddressFamily family = wanted.IsIpv6 == true ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        if (LinkOf(device) is not { IsUp: true } link) return null;
        RtAddress? own = _host.Addresses.Where(a => a.Interface == link.Index && a.Address.AddressFamily == family && !a.Address.IsIPv6LinkLocal).OrderBy(static a => a.Address.ToString(), StringComparer.Ordinal).FirstOrDefault();
        return own is null ? null : wanted with { FindsNextHop = true, UnderlayAddress = Raw(own.Address), UnderlayMac = EthAddress.FromUInt64(link.Mac) };
    }

    /// <summary>Routes and neighbours below tunnels to whichever peer: those of their devices.</summary>
    /// <param name="ports">Ports below, and the devices whose routes lead there.</param>
    public TunnelUnderlay UnderlayOf(IReadOnlyCollection<(uint Port, string Device)> ports) => new()
    {
        Routes = new EquatableList<TunnelRoute>(ports.SelectMany(p => RoutesBy(p.Port, p.Device))),
        Neighbors = new EquatableList<TunnelNeighbor>(ports.SelectMany(p => NeighborsBy(p.Port, p.Device))),
    };

    /// <summary>An address as tunnels have it: IPv4 in the first four bytes.</summary>
    public static Ipv6Address Raw(IPAddress address) => HostNetwork.Raw(address);

    /// <summary>An address as others have it.</summary>
    public static IPAddress ToAddress(in Ipv6Address address, bool isIpv6)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, address.ToUInt128());
        return new IPAddress(isIpv6 ? bytes : bytes[..4]);
    }

    private RtLink? LinkOf(string device) => _host.Links.FirstOrDefault(l => l.Name == device);

    private IEnumerable<TunnelRoute> RoutesBy(uint port, string device)
    {
        if (LinkOf(device) is not { IsUp: true } link) yield break;
        foreach (RtRoute route in _host.OwnRoutes)
        {
            if (route.NextHops.FirstOrDefault(h => h.Interface == link.Index) is not { } hop || (route.PreferredSource ?? _host.SourceFor(link.Index, hop.Gateway ?? route.Destination)) is not { } source) continue;
            yield return new TunnelRoute(Raw(route.Destination), route.PrefixLength, route.Destination.AddressFamily == AddressFamily.InterNetworkV6, port, device, EthAddress.FromUInt64(link.Mac), Raw(source),
                hop.Gateway is { } gateway && gateway.AddressFamily == route.Destination.AddressFamily ? Raw(gateway) : null);
        }
    }

    private IEnumerable<TunnelNeighbor> NeighborsBy(uint port, string device) => LinkOf(device) is not { } link ? [] : _host.Neighbors.Where(n => n.Interface == link.Index)
        .OrderBy(static n => n.Address.ToString(), StringComparer.Ordinal)
        .Select(n => new TunnelNeighbor(port, Raw(n.Address), n.Address.AddressFamily == AddressFamily.InterNetworkV6, EthAddress.FromUInt64(n.Mac!.Value)));

    private IPAddress? NextHop(int index, IPAddress remote)
    {
        RtRoute? best = _host.Routes.Where(r => r.Type == Unicast && r.NextHops.Any(h => h.Interface == index) && HostNetwork.Covers(r.Destination, r.PrefixLength, remote))
            .OrderByDescending(static r => r.PrefixLength).ThenBy(static r => r.Priority).FirstOrDefault();
        return best is null ? null : best.NextHops.First(h => h.Interface == index).Gateway ?? remote;
    }
}
