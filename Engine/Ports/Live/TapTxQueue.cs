using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames to a TAP device, one call each.</summary>
internal sealed unsafe class TapTxQueue(LivePort port, TapDevice device) : VnetTxQueue(port)
{
    private const int Again = -11, Interrupted = -4, NoBuffers = -105, InputOutput = -5, BadDescriptorState = -77;

    private readonly MessageBatch _batch = new();

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing waits.
    }

    /// <inheritdoc/>
    protected override void Write(byte* frame, int lengthBytes, VirtioNetHeader* header)
    {
        *_batch.HeaderOf(0) = *header;
        IoVector* parts = _batch.PartsOf(0);
        parts[1] = new IoVector { Base = frame, LengthBytes = (nuint)lengthBytes };
        int written;
        do written = device.Write(parts, 2);
        while (written == Interrupted);
        if (written >= 0)
        {
            Counters.Count(lengthBytes, header->GsoType != VirtioNetHeader.GsoNone);
            return;
        }

        Counters.Drop(written switch
        {
            Again or NoBuffers => PortDrop.TxFull,
            InputOutput or BadDescriptorState => PortDrop.TxDown,
            _ => PortDrop.TxRefused,
        });
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _batch.Dispose();
        base.Dispose(disposing);
    }
}
