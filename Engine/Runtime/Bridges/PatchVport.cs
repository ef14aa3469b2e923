using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Runtime;

/// <summary>A patch port of a bridge in a datapath with others (OVS <c>netdev-vport</c>, type <c>patch</c>): translations go through it, no packet does. What it has counted, megaflows have reported.</summary>
/// <param name="ofport">OpenFlow number.</param>
/// <param name="name">Name in the switch.</param>
/// <param name="peer">Name of the port that is its other end.</param>
/// <param name="bridge">Whose port it is.</param>
/// <param name="mac">Ethernet address that is shown.</param>
public sealed class PatchVport(uint ofport, string name, string peer, DatapathBridge bridge, ulong mac) : LivePort(ofport, name)
{
    /// <inheritdoc/>
    public override string Type => "patch";

    /// <inheritdoc/>
    public override int QueueCount => 0;

    /// <inheritdoc/>
    public override int MtuBytes => Packet.MaxLengthBytes;

    /// <inheritdoc/>
    public override ulong Mac { get; } = mac;

    /// <inheritdoc/>
    public override int IfIndex => 0;

    /// <inheritdoc/>
    public override bool HasCarrier => true;

    /// <inheritdoc/>
    public override bool IsGone => false;

    /// <summary>The other end is there, and names this one.</summary>
    public bool HasPeer => bridge.Pipeline.HasPeer(Ofport);

    /// <summary>What it has counted.</summary>
    public VportCounters Counters { get; } = new(bridge.Pipeline.Options.IsShared);

    /// <summary>As the pipeline knows it.</summary>
    public PipelinePort InPipeline => new(Name, Ofport) { PeerName = peer, Counters = Counters };

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => throw new ArgumentOutOfRangeException(nameof(queue));

    /// <inheritdoc/>
    public override void Refresh()
    {
        // Nothing is behind it.
    }

    /// <inheritdoc/>
    public override PortStatistics Statistics() => TunnelVport.StatisticsOf(Counters);

    /// <inheritdoc/>
    protected override TxQueue NewTx() => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override PortCounters RxCounters(int queue) => throw new ArgumentOutOfRangeException(nameof(queue));
}
