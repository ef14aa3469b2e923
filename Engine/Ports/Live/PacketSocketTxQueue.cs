using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames to a packet socket: short ones are collected and sent by one call, long ones go at once and are not copied.</summary>
internal sealed unsafe class PacketSocketTxQueue : VnetTxQueue
{
    /// <summary>Up to here a frame is copied behind its virtio header, bytes: one part costs the kernel less than two.</summary>
    private const int CopiedBytes = 2048;

    /// <summary>Class of queue 0 of a device (OVS <c>tc_make_handle(1, queue_id + 1)</c>), and how many there may be.</summary>
    private const uint ClassOfQueue0 = 0x10001;

    private const ushort MostClasses = 0xeffe;

    private const int CopyStrideBytes = CopiedBytes + 64;

    private const int Again = -11, Interrupted = -4, NoBuffers = -105, TooLong = -90, NetworkDown = -100, NoDevice = -19, NoSuchDeviceOrAddress = -6;

    private readonly PacketSocket _socket;
    private readonly MessageBatch _batch = new();
    private readonly PinnedBlock _copies = PinnedMemory.Allocate(MessageBatch.MaxCount * CopyStrideBytes, 64);
    private int _count;

    public PacketSocketTxQueue(LivePort port, PacketSocket socket)
        : base(port) => _socket = socket;

    /// <inheritdoc/>
    public override void Flush()
    {
        for (int from = 0; from < _count;)
        {
            int sent = _socket.Send(_batch, from, _count);
            if (sent > 0)
            {
                for (int end = from + sent; from < end; from++) Counters.Count(LengthOf(from), ((VirtioNetHeader*)_batch.PartsOf(from)->Base)->GsoType != VirtioNetHeader.GsoNone);
            }
            else if (sent != Interrupted)
            {
                from += Lose(sent, _count - from);
            }
        }

        _count = 0;
    }

    /// <inheritdoc/>
    protected override void Write(byte* frame, int lengthBytes, VirtioNetHeader* header)
    {
        bool isCopied = lengthBytes <= CopiedBytes;
        if (!isCopied) Flush();
        IoVector* parts = _batch.PartsOf(_count);
        byte* start = isCopied ? _copies.Pointer + (_count * CopyStrideBytes) : (byte*)_batch.HeaderOf(_count);
        *(VirtioNetHeader*)start = *header;
        if (isCopied) NativeMemory.Copy(frame, start + VirtioNetHeader.SizeBytes, (nuint)lengthBytes);
        else parts[1] = new IoVector { Base = frame, LengthBytes = (nuint)lengthBytes };
        parts[0] = new IoVector { Base = start, LengthBytes = (nuint)(VirtioNetHeader.SizeBytes + (isCopied ? lengthBytes : 0)) };
        _batch.SetPartCount(_count, isCopied ? 1 : 2);
        _batch.SetClass(_count, Priority is > 0 and <= MostClasses ? ClassOfQueue0 + Priority : 0);
        _count++;
        if (!isCopied || _count == MessageBatch.MaxCount) Flush();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _socket.Dispose();
            _copies.Dispose();
            _batch.Dispose();
        }

        base.Dispose(disposing);
    }

    private int LengthOf(int index)
    {
        IoVector* parts = _batch.PartsOf(index);
        return (int)(_batch.PartCountOf(index) == 1 ? parts[0].LengthBytes - VirtioNetHeader.SizeBytes : parts[1].LengthBytes);
    }

    /// <summary>The first frame could not be sent; returns how many are lost with it.</summary>
    private int Lose(int error, int left)
    {
        (PortDrop cause, int count) = error switch
        {
            Again => (PortDrop.TxFull, left),
            NoBuffers => (PortDrop.TxFull, 1),
            NetworkDown or NoDevice or NoSuchDeviceOrAddress => (PortDrop.TxDown, left),
            TooLong => (PortDrop.TxTooLong, 1),
            _ => (PortDrop.TxRefused, 1),
        };
        Counters.Drop(cause, (ulong)count);
        return count;
    }
}
