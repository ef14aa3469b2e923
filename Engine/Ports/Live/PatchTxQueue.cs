using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>One packet thread's way into a patch.</summary>
internal sealed unsafe class PatchTxQueue(PatchPort port, int writer) : VnetTxQueue(port)
{
    /// <inheritdoc/>
    public override void Flush()
    {
        // Each frame wakes its reader.
    }

    /// <inheritdoc/>
    protected override void Write(byte* frame, int lengthBytes, VirtioNetHeader* header)
    {
        if (port.Peer is not { } peer) Counters.Drop(PortDrop.TxDown);
        else if (peer.QueueOf(writer).TrySend(header, frame, lengthBytes)) Counters.Count(lengthBytes, header->GsoType != VirtioNetHeader.GsoNone);
        else Counters.Drop(PortDrop.TxFull);
    }
}
