using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames of a packet socket.</summary>
internal sealed class PacketSocketRxQueue(NetDevicePort port, PacketSocket socket) : KernelRxQueue(port.Number, fewest: 4)
{
    private const int NetworkDown = -100, Again = -11, Interrupted = -4;

    private readonly Lock _statistics = new();

    /// <summary>What it has counted, the kernel's drops included.</summary>
    public PortCounters UpToDate()
    {
        lock (_statistics)
        {
            if (!IsGone) Counters.Drop(PortDrop.RxKernel, socket.TakeKernelDrops());
        }

        return Counters;
    }

    /// <inheritdoc/>
    protected override int Descriptor => socket.Descriptor;

    /// <inheritdoc/>
    protected override int ReceiveFrames(int count)
    {
        int received = socket.Receive(Batch, count);
        if (received >= 0) return received;
        switch (received)
        {
            case Again or Interrupted:
                break;
            case NetworkDown:
                // Said once when the device goes down, and when it goes.
                port.Refresh();
                IsGone = port.IsGone;
                break;
            default:
                // A frame that the kernel cannot say with a virtio header: it is taken off the queue.
                Counters.Drop(PortDrop.RxInvalid);
                break;
        }

        return 0;
    }

    /// <inheritdoc/>
    protected override bool TryTagOf(int index, out ushort tpid, out ushort tci) => Batch.TryTagOf(index, out tpid, out tci);

    /// <inheritdoc/>
    protected override void Close()
    {
        lock (_statistics) socket.Dispose();
    }
}
