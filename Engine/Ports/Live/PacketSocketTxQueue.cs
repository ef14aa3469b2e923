using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames to a packet socket: short ones are collected and sent by one call, long ones go at once and are not copied.</summary>
internal sealed unsafe class PacketSocketTxQueue : VnetTxQueue
{
    /// <summary>Up to here a frame is copied, bytes.</summary>
    private const int CopiedBytes = 2048;

    private const int Again = -11, Interrupted = -4, NoBuffers = -105, TooLong = -90, NetworkDown = -100, NoDevice = -19, NoSuchDeviceOrAddress = -6;

    private readonly PacketSocket _socket;
    private readonly MessageBatch _batch = new();
    private readonly PinnedBlock _copies = PinnedMemory.Allocate(MessageBatch.MaxCount * CopiedBytes, 64);
    private int _count;

    public PacketSocketTxQueue(LivePort port, PacketSocket socket)
        : base(port)
    {
        _socket = socket;
        for (int i = 0; i < MessageBatch.MaxCount; i++) _batch.SetPartCount(i, 2);
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        for (int from = 0; from < _count;)
        {
            int sent = _socket.Send(_batch, from, _count);
            if (sent > 0)
            {
                for (int end = from + sent; from < end; from++)
                {
                    Counters.Count((int)_batch.PartsOf(from)[1].LengthBytes, _batch.HeaderOf(from)->GsoType != VirtioNetHeader.GsoNone);
                }
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
        *_batch.HeaderOf(_count) = *header;
        void* bytes = isCopied ? _copies.Pointer + (_count * CopiedBytes) : frame;
        if (isCopied) NativeMemory.Copy(frame, bytes, (nuint)lengthBytes);
        _batch.PartsOf(_count)[1] = new IoVector { Base = bytes, LengthBytes = (nuint)lengthBytes };
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
