using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames of one queue of a TAP device. The kernel gives them with their tags.</summary>
internal sealed unsafe class TapRxQueue(NetDevicePort port, TapDevice device) : KernelRxQueue(port.Number)
{
    private const int Again = -11, Interrupted = -4, BadDescriptorState = -77;

    /// <summary>Most frames of the next look: twice as many as there were the last time. Where they come one by one, each goes on before anybody looks for another: that look is a system call, too.</summary>
    private int _most = 1;

    /// <inheritdoc/>
    protected override int Descriptor => device.Descriptor;

    /// <inheritdoc/>
    protected override int ReceiveFrames(int count)
    {
        int received = 0;
        count = Math.Min(count, _most);
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

        _most = Math.Max(1, 2 * received);
        return received;
    }

    /// <inheritdoc/>
    protected override void Close() => device.Dispose();
}
