namespace Mergeflow.Engine.OpenFlow;

/// <summary>Which port of a datapath is which bridge's, and which patch ports belong together; immutable: a translator takes one at its start and keeps it to its end.</summary>
internal sealed class BackerPorts
{
    private readonly Dictionary<uint, BridgePort> _byNumber = [];
    private readonly HashSet<uint> _numbers = [];
    private readonly Dictionary<(ushort Bridge, uint Port), BridgePort> _peers = [];

    /// <summary>The ports of some bridges.</summary>
    public BackerPorts(IReadOnlyList<OfPipeline> bridges)
    {
        IsSingle = bridges.Count <= 1;
        List<BridgePort> all = [];
        foreach (OfPipeline bridge in bridges)
        {
            foreach (PipelinePort port in bridge.Snapshot.PortList) all.Add(new BridgePort(bridge, port));
        }

        Tunnels = TunnelTable.Of(all);
        Dictionary<string, BridgePort> ends = new(StringComparer.Ordinal);
        foreach (BridgePort at in all)
        {
            if (at.Port.PeerName is not null)
            {
                ends[at.Port.Name] = at;
                continue;
            }

            _numbers.Add(at.Port.DatapathNumber);
            if (!IsSingle && at.Port.Tunnel is null) _byNumber.TryAdd(at.Port.DatapathNumber, at);
        }

        // Each end sends to the one that it names, if that names it back (OVS ofport_update_peer).
        foreach (BridgePort end in ends.Values)
        {
            if (ends.TryGetValue(end.Port.PeerName!, out BridgePort peer) && peer.Port.PeerName == end.Port.Name) _peers.Add((end.Bridge.Id, end.Port.Number), peer);
        }
    }

    /// <summary>There is one bridge, whose ports have their OpenFlow numbers in the datapath.</summary>
    public bool IsSingle { get; }

    /// <summary>Tunnel ports of all bridges; null = there are none.</summary>
    public TunnelTable? Tunnels { get; }

    /// <summary>The port behind a number of the datapath; null = no bridge has it, or tunnels share it.</summary>
    public BridgePort? Find(uint number) => _byNumber.TryGetValue(number, out BridgePort at) ? at : null;

    /// <summary>Whether some bridge has a port of that number of the datapath.</summary>
    public bool Has(uint number) => _numbers.Contains(number);

    /// <summary>The other end of a patch; null = there is none.</summary>
    public BridgePort? PeerOf(OfPipeline bridge, uint port) => _peers.TryGetValue((bridge.Id, port), out BridgePort peer) ? peer : null;
}
