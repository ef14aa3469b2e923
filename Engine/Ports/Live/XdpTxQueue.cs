using System.Runtime.InteropServices;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames to a device by AF_XDP: whole ones only, so super-frames are cut and checksums made while they are copied.</summary>
internal sealed unsafe class XdpTxQueue(LivePort port, XdpSocket socket) : TxQueue
{
    /// <inheritdoc/>
    public override void Send(Packet* packet, int lengthBytes)
    {
        bool isSuperFrame = packet->GsoSizeBytes != 0;
        int wireBytes = Math.Min(lengthBytes, SuperFrame.WireLengthBytes(packet));
        int limit = Math.Min(socket.MaxFrameBytes, VnetFrames.LimitOf(packet->Data, lengthBytes, port.MtuBytes));
        if (wireBytes > limit || (isSuperFrame && SuperFrame.WireLengthBytes(packet) > socket.MaxFrameBytes))
        {
            Counters.Drop(PortDrop.TxTooLong);
            return;
        }

        int count = isSuperFrame ? SuperFrame.CountOf(packet) : 1;
        for (int i = 0; i < count; i++)
        {
            byte* to = Reserve();
            if (to == null)
            {
                Counters.Drop(PortDrop.TxFull);
                return;
            }

            int length = isSuperFrame ? Math.Min(SuperFrame.Write(packet, i, to), lengthBytes) : Copy(packet, lengthBytes, to);
            socket.Write(length);
        }

        Counters.Count(lengthBytes, isSuperFrame);
    }

    /// <inheritdoc/>
    public override void Flush() => socket.Flush();

    private byte* Reserve()
    {
        byte* to = socket.Reserve();
        if (to != null) return to;
        socket.Flush();
        return socket.Reserve();
    }

    /// <summary>The checksum is that of the whole frame, also of one that is cut; then nothing is left but to make it in the packet.</summary>
    private static int Copy(Packet* packet, int lengthBytes, byte* to)
    {
        bool isPartial = (packet->Flags & PacketFlags.CsumPartial) != 0;
        if (isPartial && lengthBytes < packet->LengthBytes)
        {
            PartialChecksum.Complete(packet);
            isPartial = false;
        }

        NativeMemory.Copy(packet->Data, to, (nuint)lengthBytes);
        if (!isPartial) return lengthBytes;
        int start = PartialChecksum.StartOf(packet);
        PartialChecksum.Finish(to + start, lengthBytes - start, to + start + packet->CsumOffset, PartialChecksum.WireValue(packet));
        return lengthBytes;
    }
}
