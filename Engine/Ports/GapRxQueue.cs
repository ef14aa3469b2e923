using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Watches the thread that polls another queue: how long it does not come, as the packets that wait would feel it.</summary>
/// <param name="frames">The queue.</param>
/// <param name="onPoll">Is told the TSC cycles from each poll to the next, on the polling thread.</param>
public sealed unsafe class GapRxQueue(RxQueue frames, Action<ulong> onPoll) : RxQueue
{
    private ulong _last;

    /// <inheritdoc/>
    public override WakeLatch? Latch
    {
        get => frames.Latch;
        set => frames.Latch = value;
    }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        ulong now = TscClock.Now;
        if (_last != 0) onPoll(now - _last);
        _last = now;
        return frames.Receive(pool, batch, max);
    }

    /// <inheritdoc/>
    public override void BeforeSleep(PollSet set) => frames.BeforeSleep(set);
}
