using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames to whoever takes super-frames and unfinished checksums, each with its virtio header.</summary>
internal abstract unsafe class VnetTxQueue : TxQueue
{
    private readonly LivePort _port;
    private PinnedBlock? _scratch;

    protected VnetTxQueue(LivePort port) => _port = port;

    /// <summary>Room for one frame, for what is sent otherwise than it is.</summary>
    private byte* Scratch => (_scratch ??= PinnedMemory.Allocate(Packet.MaxLengthBytes)).Pointer;

    /// <inheritdoc/>
    public sealed override void Send(Packet* packet, int lengthBytes)
    {
        bool isCut = lengthBytes < packet->LengthBytes;
        int wireBytes = isCut ? Math.Min(lengthBytes, SuperFrame.WireLengthBytes(packet)) : SuperFrame.WireLengthBytes(packet);
        if (wireBytes > VnetFrames.LimitOf(packet->Data, lengthBytes, _port.MtuBytes))
        {
            Counters.Drop(PortDrop.TxTooLong);
            return;
        }

        Priority = PacketMetadata.PriorityOf(packet);
        VirtioNetHeader header = default;
        if ((packet->Flags & PacketFlags.CsumPartial) == 0)
        {
            Write(packet->Data, lengthBytes, &header);
            return;
        }

        if (isCut || !TakesUnfinished || SuperFrame.IsTunnelled(packet))
        {
            SendCut(packet, lengthBytes);
            return;
        }

        // In the form of the wire for as long as it is written.
        VnetFrames.Describe(packet, &header);
        ushort* field = (ushort*)((byte*)packet + packet->CsumStart + packet->CsumOffset);
        ushort kept = *field;
        *field = PartialChecksum.WireValue(packet);
        Write(packet->Data, lengthBytes, &header);
        *field = kept;
    }

    /// <summary>The other side takes super-frames and unfinished checksums; else it gets frames as a wire carries them.</summary>
    protected virtual bool TakesUnfinished => true;

    /// <summary>Queue of the device that the frame at hand leaves by; 0 = the default one.</summary>
    protected ushort Priority { get; private set; }

    /// <summary>Writes a frame, or copies it to be written.</summary>
    protected abstract void Write(byte* frame, int lengthBytes, VirtioNetHeader* header);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _scratch?.Dispose();
    }

    /// <summary>What is cut off is cut off each frame, as if a device had made them before; their checksums are those of whole frames.</summary>
    private void SendCut(Packet* packet, int lengthBytes)
    {
        VirtioNetHeader header = default;
        if (packet->GsoSizeBytes == 0)
        {
            PartialChecksum.Complete(packet);
            Write(packet->Data, lengthBytes, &header);
            return;
        }

        int count = SuperFrame.CountOf(packet);
        Counters.Cut += (ulong)count - 1;
        for (int i = 0; i < count; i++)
        {
            int length = SuperFrame.Write(packet, i, Scratch);
            Write(Scratch, Math.Min(length, lengthBytes), &header);
        }
    }
}
