using System.Runtime.InteropServices;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames of one queue of a device by AF_XDP.</summary>
internal sealed unsafe class XdpRxQueue(NetDevicePort port, XdpSocket socket) : RxQueue, IDisposable
{
    private const int EthernetHeaderBytes = 14;

    private readonly Lock _statistics = new();
    private ulong _dropsBefore;
    private bool _isClosed;

    /// <summary>What it has received and lost.</summary>
    public PortCounters Counters { get; } = new();

    /// <summary>Its other half sends.</summary>
    public XdpSocket Socket => socket;

    /// <summary>What it has counted, the kernel's drops included.</summary>
    public PortCounters UpToDate()
    {
        lock (_statistics)
        {
            if (_isClosed) return Counters;
            (ulong dropped, ulong ringFull, _) = socket.KernelCounters();
            Counters.Drop(PortDrop.RxKernel, dropped + ringFull - _dropsBefore);
            _dropsBefore = dropped + ringFull;
        }

        return Counters;
    }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        int available = Math.Min(socket.Available, max);
        if (available == 0) return 0;
        int rented = pool.RentBulk(batch, available), count = 0;
        for (int i = 0; i < rented; i++)
        {
            byte* frame = socket.Frame(i, out int length);
            bool isWhole = length >= EthernetHeaderBytes && length <= pool.FrameCapacityBytes;
            if (!isWhole || IsOverRate(length))
            {
                Counters.Drop(isWhole ? PortDrop.RxPoliced : length < EthernetHeaderBytes ? PortDrop.RxRunt : PortDrop.RxTooLong);
                pool.Return(batch[i]);
                continue;
            }

            Packet* p = batch[i];
            NativeMemory.Copy(frame, PacketPool.FrameOf(p), (nuint)length);
            PacketPool.Reset(p, PacketPool.FrameOf(p), length, PacketPool.HeadroomSizeBytes, port.Number);
            Counters.Count(length, isSuperFrame: false);
            batch[count++] = p;
        }

        // What there was no packet for stays in the ring.
        socket.Release(rented);
        return count;
    }

    /// <inheritdoc/>
    public override void BeforeSleep(PollSet set)
    {
        if (!port.IsGone) set.Add(socket.Descriptor);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_statistics)
        {
            if (_isClosed) return;
            _isClosed = true;
            socket.Dispose();
        }
    }
}
