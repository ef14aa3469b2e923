using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// One end of a patch between two datapaths (OVS <c>netdev-vport</c>, type <c>patch</c>): what goes out here comes in at the peer, with its super-frames and unfinished checksums. A frame is copied, by a ring for each packet
/// thread that sends.
/// </summary>
/// <param name="number">OpenFlow number.</param>
/// <param name="name">Name in the switch.</param>
/// <param name="threads">Packet threads of either datapath.</param>
/// <param name="mac">Ethernet address that is shown.</param>
/// <param name="from">Port that frames seem to come from: a link that no pipeline knows; 0 = <paramref name="number"/>.</param>
public sealed class PatchPort(uint number, string name, int threads, ulong mac, uint from = 0) : LivePort(number, name)
{
    private readonly PatchRxQueue[] _queues = [.. Enumerable.Range(0, threads).Select(_ => new PatchRxQueue(from == 0 ? number : from))];
    private volatile PatchPort? _peer;
    private int _opened;

    /// <inheritdoc/>
    public override string Type => "patch";

    /// <inheritdoc/>
    public override bool IsLink => from != 0;

    /// <inheritdoc/>
    public override int QueueCount => _queues.Length;

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

    /// <summary>Where its frames come out; null = nowhere. From any thread: frames that are on their way may still come out at the old one.</summary>
    public PatchPort? Peer
    {
        get => _peer;
        set => _peer = value;
    }

    /// <summary>No frame waits to come in.</summary>
    public bool IsIdle => Array.TrueForAll(_queues, static q => q.IsEmpty);

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => _queues[queue];

    /// <inheritdoc/>
    public override void Refresh()
    {
        // Nothing behind it changes by itself.
    }

    /// <summary>The ring that a packet thread of the peer writes.</summary>
    internal PatchRxQueue QueueOf(int writer) => _queues[writer];

    /// <inheritdoc/>
    protected override TxQueue NewTx() => new PatchTxQueue(this, _opened++);

    /// <inheritdoc/>
    protected override PortCounters RxCounters(int queue) => _queues[queue].Counters;
}
