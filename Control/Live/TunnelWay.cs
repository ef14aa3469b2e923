using System.Net;
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
        RtLink? link = _host.Links.FirstOrDefault(l => l.Name == device);
        if (link is not { IsUp: true }) return null;
        if (NextHop(link.Index, remote) is not { } next) return null;
        if (_host.SourceFor(link.Index, next) is not { } own) return null;
        if (_host.MacOf(link.Index, next) is not { } mac)
        {
            unknown = next;
            return null;
        }

        return wanted with { UnderlayAddress = Raw(own), UnderlayMac = EthAddress.FromUInt64(link.Mac), NextHopMac = EthAddress.FromUInt64(mac) };
    }

    /// <summary>An address as tunnels have it: IPv4 in the first four bytes.</summary>
    public static Ipv6Address Raw(IPAddress address) => HostNetwork.Raw(address);

    private IPAddress? NextHop(int index, IPAddress remote)
    {
        RtRoute? best = _host.Routes.Where(r => r.Type == Unicast && r.NextHops.Any(h => h.Interface == index) && HostNetwork.Covers(r.Destination, r.PrefixLength, remote))
            .OrderByDescending(static r => r.PrefixLength).ThenBy(static r => r.Priority).FirstOrDefault();
        return best is null ? null : best.NextHops.First(h => h.Interface == index).Gateway ?? remote;
    }
}
