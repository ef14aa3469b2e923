using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames to a descriptor of the kernel, each with its virtio header.</summary>
internal abstract unsafe class KernelTxQueue : TxQueue
{
    private readonly LivePort _port;

    protected KernelTxQueue(LivePort port) => _port = port;

    /// <summary>Frames on their way.</summary>
    protected MessageBatch Batch { get; } = new();

    /// <inheritdoc/>
    public sealed override void Send(Packet* packet, int lengthBytes)
    {
        if (lengthBytes < packet->LengthBytes) Cut(packet);
        if (VnetFrames.WireLengthBytes(packet, lengthBytes) > VnetFrames.LimitOf(packet->Data, lengthBytes, _port.MtuBytes))
        {
            Counters.Drop(PortDrop.TxTooLong);
            return;
        }

        VirtioNetHeader header;
        VnetFrames.Describe(packet, &header);
        if ((header.Flags & VirtioNetHeader.NeedsChecksum) == 0)
        {
            Write(packet->Data, lengthBytes, &header);
            return;
        }

        // In the form of the wire for as long as it is written.
        ushort* field = (ushort*)((byte*)packet + packet->CsumStart + packet->CsumOffset);
        ushort kept = *field;
        *field = PartialChecksum.WireValue(packet);
        Write(packet->Data, lengthBytes, &header);
        *field = kept;
    }

    /// <summary>Writes a frame, or copies it to be written.</summary>
    protected abstract void Write(byte* frame, int lengthBytes, VirtioNetHeader* header);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) Batch.Dispose();
    }

    /// <summary>What is sent is not whole: its checksum is that of the whole packet.</summary>
    private static void Cut(Packet* packet)
    {
        packet->GsoSizeBytes = 0;
        if ((packet->Flags & PacketFlags.CsumPartial) != 0) PartialChecksum.Complete(packet);
    }
}
