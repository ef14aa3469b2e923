using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>One packet thread's way into a patch.</summary>
internal sealed unsafe class PatchTxQueue(PatchPort port, int writer) : TxQueue
{
    /// <inheritdoc/>
    public override void Send(Packet* packet, int lengthBytes)
    {
        if (port.Peer is not { } peer)
        {
            Counters.Drop(PortDrop.TxDown);
            return;
        }

        // What is cut off is no super-frame any more, and its checksum is none that could be finished.
        VirtioNetHeader header = default;
        if (lengthBytes >= packet->LengthBytes) VnetFrames.Describe(packet, &header);
        bool isSuperFrame = header.GsoType != VirtioNetHeader.GsoNone;
        if (peer.QueueOf(writer).TrySend(&header, packet, lengthBytes)) Counters.Count(lengthBytes, isSuperFrame);
        else Counters.Drop(PortDrop.TxFull);
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        // Each frame wakes its reader.
    }
}
