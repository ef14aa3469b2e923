using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Runtime;

/// <content>The bridges: patch ports join them, one translation leads through all that a packet comes to.</content>
public sealed partial class Datapath
{
    private volatile DatapathBridge[] _bridges;

    /// <summary>All bridges, the first one included.</summary>
    public IReadOnlyList<DatapathBridge> Bridges => _bridges;

    /// <summary>Packets change what later ones get, in some bridge (<see cref="OfPipeline.UsesNormal"/>).</summary>
    internal bool UsesNormal
    {
        get
        {
            foreach (DatapathBridge bridge in _bridges)
            {
                if (bridge.Pipeline.UsesNormal) return true;
            }

            return false;
        }
    }

    /// <summary>
    /// One more bridge, without ports and rules. As soon as there are two, a packet's port is one of the datapath (<see cref="PipelinePort.InDatapath"/>), and has to be some bridge's.
    /// </summary>
    public DatapathBridge AddBridge(string name, long nowMs)
    {
        using ControlScope control = new(this);
        DatapathBridge bridge = NewBridge(name, [], Pipeline.Backer);
        _bridges = [.. _bridges, bridge];
        Reconcile(Clock.Of(nowMs), purge: false);
        return bridge;
    }

    /// <summary>A bridge goes, whose ports have gone. On return no packet goes by its rules.</summary>
    public void RemoveBridge(DatapathBridge bridge, long nowMs)
    {
        using ControlScope control = new(this);
        _bridges = [.. _bridges.Where(b => b != bridge)];
        bridge.Pipeline.Leave();
        Reconcile(Clock.Of(nowMs), purge: false);
        bridge.Pipeline.ReleaseMeters();
    }

    /// <summary>What packets have learned later because the tables were being changed, and what found no room to wait (<see cref="LearnBacklog"/>): rules and shorter timeouts.</summary>
    public (ulong PutOff, ulong Refused) Learned => _pmds.Aggregate(default((ulong PutOff, ulong Refused)), static (sum, p) => (sum.PutOff + p.Upcall.Learning.PutOff, sum.Refused + p.Upcall.Learning.Refused));

    /// <summary>The bridge in which packets with this key are looked up first (OVS <c>xlate_lookup_ofproto</c>); null = there is none.</summary>
    public DatapathBridge? BridgeOf(in FlowKey key)
    {
        if (key.RecircId.Host is not 0 and var id) return Recirc.PlaceOf(id) is { } place ? BridgeOf(place.Bridge) : null;
        BackerPorts ports = Pipeline.Backer.Ports;
        if (ports.IsSingle) return Main;
        if (ports.Tunnels is { } tunnels && tunnels.IsDatapathPort(key.InPort.Host))
        {
            foreach (DatapathBridge bridge in _bridges)
            {
                if (bridge.Pipeline.TunnelPortOf(key) is not null) return bridge;
            }

            return null;
        }

        return ports.Find(key.InPort.Host) is { } at ? BridgeOf(at.Bridge) : null;
    }

    private DatapathBridge? BridgeOf(OfPipeline pipeline) => Array.Find(_bridges, b => b.Pipeline == pipeline);

    private DatapathBridge NewBridge(string name, IReadOnlyList<PipelinePort> ports, PipelineBacker? backer) => new(this, new OfPipeline(new PipelineOptions
    {
        Name = name,
        Backer = backer,
        Ports = ports,
        VlanLimit = Options.VlanLimit,
        Quirks = Options.Quirks,
        Meters = Meters,
        HashKey = _hashKey,
        IsShared = Options.PmdCount > 1,
    })
    { PreparesTables = _preparesTables });
}
