namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// The tunnel ports of a bridge, ready for lookup. Ports of one kind and UDP port share a datapath port, the one with the lowest number (OVS
/// <c>vxlan_sys_4789</c>): that is where packets are decapsulated, and the tunnel metadata then say whose they are (OVS lib/tnl-ports.c, ofproto/tunnel.c).
/// </summary>
internal sealed class TunnelTable
{
    private readonly TunnelPort[] _ports;
    private readonly HashSet<uint> _underlays;
    private readonly HashSet<uint> _datapathPorts;

    private TunnelTable(TunnelPort[] ports)
    {
        _ports = ports;
        _underlays = [.. ports.Select(p => p.UnderlayPort)];
        _datapathPorts = [.. ports.Select(DatapathPortOf)];
    }

    /// <summary>Null if there are none.</summary>
    public static TunnelTable? Of(IEnumerable<PipelinePort> ports)
    {
        // The most specific first: a key before any key, a peer before any peer, an address before any address (OVS tnl_find).
        TunnelPort[] tunnels =
        [
            .. ports.Where(p => p.Tunnel is not null).Select(p => p.Tunnel!)
                .OrderBy(p => p.InKey is null).ThenBy(p => p.Remote is null).ThenBy(p => p.IsLocalFlow ? 1 : p.Local is null ? 2 : 0).ThenBy(p => p.Number),
        ];
        return tunnels.Length == 0 ? null : new TunnelTable(tunnels);
    }

    /// <summary>All ports, the most specific first.</summary>
    public ReadOnlySpan<TunnelPort> Ports => _ports;

    /// <summary>Encapsulated packets arrive at this port.</summary>
    public bool IsUnderlay(uint port) => _underlays.Contains(port);

    /// <summary>Decapsulated packets come from this port.</summary>
    public bool IsDatapathPort(uint port) => _datapathPorts.Contains(port);

    /// <summary>The port that stands for all of its kind and UDP port.</summary>
    public uint DatapathPortOf(TunnelPort port) => _ports.Where(p => p.Kind == port.Kind && p.DestinationPort == port.DestinationPort).Min(p => p.Number);
}
