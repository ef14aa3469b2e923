using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames of one queue of a TAP device. The kernel gives them with their tags.</summary>
internal sealed unsafe class TapRxQueue(NetDevicePort port, TapDevice device) : KernelRxQueue(port.Number, fewest: 1)
{
    private const int Again = -11, Interrupted = -4, BadDescriptorState = -77;

    /// <inheritdoc/>
    protected override int Descriptor => device.Descriptor;

    /// <inheritdoc/>
    protected override int ReceiveFrames(int count)
    {
        int received = 0;
        while (received < count)
        {
            int length = device.Read(Batch.PartsOf(received), Batch.PartCountOf(received));
            if (length >= 0)
            {
                Batch.SetLength(received++, length);
                continue;
            }

            if (length == BadDescriptorState)
            {
                IsGone = true;
                port.Lost();
            }
            else if (length is not (Again or Interrupted))
            {
                Counters.Drop(PortDrop.RxInvalid);
            }

            break;
        }

        return received;
    }

    /// <inheritdoc/>
    protected override void Close() => device.Dispose();
}
