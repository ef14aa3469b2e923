using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>One packet thread's way out of a dummy port: frames as a wire carries them, into a ring that control reads.</summary>
internal sealed unsafe class DummyTxQueue(DummyPort port, PatchRxQueue ring) : VnetTxQueue(port)
{
    /// <inheritdoc/>
    public override void Flush()
    {
        if (port.IsRead) port.Reader?.Set();
    }

    /// <inheritdoc/>
    protected override bool TakesUnfinished => false;

    /// <inheritdoc/>
    protected override void Write(byte* frame, int lengthBytes, VirtioNetHeader* header)
    {
        if (port.IsRead && !ring.TrySend(header, frame, lengthBytes)) Counters.Drop(PortDrop.TxFull);
        else Counters.Count(lengthBytes, isSuperFrame: false);
    }
}
