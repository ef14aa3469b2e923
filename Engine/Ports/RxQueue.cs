using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>A receive queue of one port, polled by one PMD.</summary>
public abstract unsafe class RxQueue
{
    /// <summary>Time that its packets have taken, in ticks of <see cref="System.Diagnostics.Stopwatch"/>, estimated from one poll in <see cref="TimedOneIn"/>. Written by the thread that polls it.</summary>
    public long BusyTicks;

    /// <summary>A power of two: to look at the clock costs as much as a packet.</summary>
    internal const int TimedOneIn = 8;

    /// <summary>Polls so far, of the thread that polls it.</summary>
    internal uint Polls;

    private volatile WakeLatch? _latch;
    private volatile IngressPolicer? _policer;

    /// <summary>Keeps what comes in to a rate; null = all of it comes in. Set by control, read by the thread that polls the queue.</summary>
    public IngressPolicer? Policer
    {
        get => _policer;
        set => _policer = value;
    }

    /// <summary>Wakes the thread that polls the queue; null = it does not sleep. Who fills the queue sets it behind what it has put in, if <see cref="BeforeSleep"/> relies on that.</summary>
    public virtual WakeLatch? Latch
    {
        get => _latch;
        set => _latch = value;
    }

    /// <summary>
    /// Fills <paramref name="batch"/> with up to <paramref name="max"/> packets rented from <paramref name="pool"/>, loaded, in_port set,
    /// checksum flags as the device reports them. Returns how many; 0 = nothing to receive now.
    /// </summary>
    public abstract int Receive(PacketPool pool, Packet** batch, int max);

    /// <summary>A frame of this length is more than may come in now, and to be dropped.</summary>
    protected bool IsOverRate(int lengthBytes) => _policer is { } policer && !policer.Admits(lengthBytes);

    /// <summary>
    /// The thread that polls it is about to sleep: says what ends the sleep, a descriptor (AF_PACKET, AF_XDP, TAP) that is readable while there is something to receive, or
    /// nothing if <see cref="Latch"/> is set for every packet. A queue that says nothing here is polled every millisecond.
    /// </summary>
    public virtual void BeforeSleep(PollSet set) => set.AtMost(1);
}
