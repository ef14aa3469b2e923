using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// A network device through packet sockets (OVS <c>netdev-linux</c>): works with every device and needs nothing in it, but the host's stack sees its frames as well. A socket per receive queue, which share
/// the frames by flow.
/// </summary>
public sealed class PacketSocketPort : NetDevicePort
{
    /// <summary>Room in the kernel for what comes while the packet thread is busy or asleep: some 100 super-frames.</summary>
    public const int DefaultBufferBytes = 8 << 20;

    private readonly PacketSocketRxQueue[] _queues;

    /// <summary>Opens a device: in promiscuous mode until the port is closed.</summary>
    /// <param name="number">OpenFlow number.</param>
    /// <param name="device">Name of the device.</param>
    /// <param name="queueCount">Receive queues.</param>
    /// <exception cref="IOException">There is no such device, or the system refuses; the message says what.</exception>
    public PacketSocketPort(uint number, string device, int queueCount = 1)
        : base(number, device, device)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(queueCount, 1);
        try
        {
            _queues = [.. PacketSocket.Receivers(IfIndex, DefaultBufferBytes, queueCount).Select(s => new PacketSocketRxQueue(this, s))];
        }
        catch (IOException e)
        {
            throw new IOException($"{device}: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public override string Type => "system";

    /// <inheritdoc/>
    public override string Datapath => "packet";

    /// <inheritdoc/>
    public override int QueueCount => _queues.Length;

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => _queues[queue];

    /// <inheritdoc/>
    protected override TxQueue NewTx() => new PacketSocketTxQueue(this, PacketSocket.Sender(IfIndex, DefaultBufferBytes));

    /// <inheritdoc/>
    protected override PortCounters RxCounters(int queue) => _queues[queue].UpToDate();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        foreach (PacketSocketRxQueue queue in _queues) queue.Dispose();
    }
}
