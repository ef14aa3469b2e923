using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// A tunnel port (OVS <c>netdev-vport</c>): no device is behind it. What goes out is encapsulated and leaves by the port below, what comes in has been decapsulated there.
/// </summary>
/// <param name="number">OpenFlow number.</param>
/// <param name="name">Name in the switch.</param>
/// <param name="type"><c>vxlan</c>, <c>geneve</c> or <c>gre</c>.</param>
/// <param name="tunnel">Its way; null = not known yet.</param>
/// <param name="mac">Ethernet address that is shown; 0 = none.</param>
public sealed class TunnelVport(uint number, string name, string type, TunnelPort? tunnel, ulong mac = 0) : LivePort(number, name)
{
    private const int OuterBytes = 100;

    private volatile TunnelPort? _tunnel = tunnel;

    /// <summary>What it has counted, where tunnels of a kind share a port of the datapath (<see cref="PipelinePort.Counters"/>); null = packet threads count for its number.</summary>
    public VportCounters? Counters { get; init; }

    /// <summary>It is the port of the datapath that tunnels of a kind share; no pipeline knows it.</summary>
    public bool IsSharedPort { get; init; }

    /// <inheritdoc/>
    public override bool IsLink => IsSharedPort;

    /// <inheritdoc/>
    public override string Type => type;

    /// <summary>Its way; null = not known.</summary>
    public TunnelPort? Tunnel
    {
        get => _tunnel;
        internal set => _tunnel = value;
    }

    /// <inheritdoc/>
    public override int QueueCount => 0;

    /// <inheritdoc/>
    public override int MtuBytes => Packet.MaxLengthBytes - OuterBytes;

    /// <inheritdoc/>
    public override ulong Mac { get; } = mac;

    /// <inheritdoc/>
    public override int IfIndex => 0;

    /// <summary>Its way is known.</summary>
    public override bool HasCarrier => _tunnel is not null || IsSharedPort;

    /// <inheritdoc/>
    public override bool IsGone => false;

    /// <summary>Whose packet threads count its packets.</summary>
    internal Datapath? Counted { get; set; }

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => throw new ArgumentOutOfRangeException(nameof(queue));

    /// <inheritdoc/>
    public override void Refresh()
    {
        // Who watches the way says so.
    }

    /// <inheritdoc/>
    public override unsafe PortStatistics Statistics()
    {
        if (Counters is { } counters) return StatisticsOf(counters);
        PortStatistics sum = OfQueues();
        foreach (PmdContext pmd in Counted?.Pmds ?? [])
        {
            PortTable.PortHot* hot = pmd.Ports[Number];
            sum.AddRx(new PortCounters { Packets = hot->RxPackets, Bytes = hot->RxBytes });
            sum.AddTx(new PortCounters { Packets = hot->TxPackets, Bytes = hot->TxBytes });
        }

        return sum;
    }

    /// <summary>As ports tell it.</summary>
    internal static PortStatistics StatisticsOf(VportCounters counters)
    {
        PortStatistics sum = new();
        sum.AddRx(new PortCounters { Packets = counters.Rx.Packets, Bytes = counters.Rx.Bytes });
        sum.AddTx(new PortCounters { Packets = counters.Tx.Packets, Bytes = counters.Tx.Bytes });
        return sum;
    }

    /// <inheritdoc/>
    protected override TxQueue NewTx() => new WaylessTxQueue();

    /// <inheritdoc/>
    protected override PortCounters RxCounters(int queue) => throw new ArgumentOutOfRangeException(nameof(queue));

    /// <summary>Where packets end that were translated while there was no way.</summary>
    private sealed unsafe class WaylessTxQueue : TxQueue
    {
        /// <inheritdoc/>
        public override void Send(Packet* packet, int lengthBytes) => Counters.Drop(PortDrop.TxDown);

        /// <inheritdoc/>
        public override void Flush()
        {
            // Nothing waits.
        }
    }
}
