namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// The tunnel ports of the bridges of a datapath, ready for lookup. Ports of one kind and UDP port share a datapath port, where nobody says another one that with the lowest number (OVS
/// <c>vxlan_sys_4789</c>): that is where packets are decapsulated, and the tunnel metadata then say whose they are (OVS lib/tnl-ports.c, ofproto/tunnel.c).
/// </summary>
internal sealed class TunnelTable
{
    private readonly TunnelPlace[] _ports;
    private readonly HashSet<uint> _underlays;
    private readonly HashSet<uint> _datapathPorts;

    private TunnelTable(TunnelPlace[] ports)
    {
        _ports = ports;
        _underlays = [.. ports.Select(static p => p.Tunnel.UnderlayPort)];
        _datapathPorts = [.. ports.Select(static p => p.DatapathPort)];
    }

    /// <summary>Null if there are none.</summary>
    public static TunnelTable? Of(IReadOnlyList<BridgePort> ports)
    {
        // The most specific first: a key before any key, a peer before any peer, an address before any address (OVS tnl_find).
        BridgePort[] tunnels =
        [
            .. ports.Where(static p => p.Port.Tunnel is not null)
                .OrderBy(static p => p.Port.Tunnel!.InKey is null).ThenBy(static p => p.Port.Tunnel!.Remote is null)
                .ThenBy(static p => p.Port.Tunnel!.IsLocalFlow ? 1 : p.Port.Tunnel.Local is null ? 2 : 0).ThenBy(static p => p.Port.Number),
        ];
        if (tunnels.Length == 0) return null;
        return new TunnelTable([.. tunnels.Select(t => new TunnelPlace(t.Bridge, t.Port, t.Port.InDatapath ?? Lowest(tunnels, t)))]);
    }

    /// <summary>All ports, the most specific first.</summary>
    public ReadOnlySpan<TunnelPlace> Ports => _ports;

    /// <summary>Encapsulated packets arrive at this port.</summary>
    public bool IsUnderlay(uint port) => _underlays.Contains(port);

    /// <summary>Decapsulated packets come from this port.</summary>
    public bool IsDatapathPort(uint port) => _datapathPorts.Contains(port);

    /// <summary>The port of the datapath that stands for all of its kind and UDP port.</summary>
    public uint DatapathPortOf(OfPipeline bridge, TunnelPort port)
    {
        foreach (TunnelPlace place in _ports)
        {
            if (place.Bridge == bridge && place.Tunnel.Number == port.Number) return place.DatapathPort;
        }

        return port.Number;
    }

    private static uint Lowest(BridgePort[] all, BridgePort one)
        => all.Where(p => p.Bridge == one.Bridge && p.Port.Tunnel!.Kind == one.Port.Tunnel!.Kind && p.Port.Tunnel.DestinationPort == one.Port.Tunnel.DestinationPort).Min(static p => p.Port.Tunnel!.Number);
}
