using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>One packet thread's way into a file; null = what goes out is counted.</summary>
internal sealed unsafe class PcapTxQueue(LivePort port, PatchRxQueue? ring) : VnetTxQueue(port)
{
    /// <inheritdoc/>
    protected override bool TakesUnfinished => false;

    /// <inheritdoc/>
    public override void Flush()
    {
        // The writer looks by itself.
    }

    /// <inheritdoc/>
    protected override void Write(byte* frame, int lengthBytes, VirtioNetHeader* header)
    {
        if (ring is null || ring.TrySend(header, frame, lengthBytes)) Counters.Count(lengthBytes, isSuperFrame: false);
        else Counters.Drop(PortDrop.TxFull);
    }
}
