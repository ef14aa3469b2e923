using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// Offers another queue's frames at a constant rate through a receive ring of finite size: what does not fit is dropped, as by a NIC whose
/// driver polls too late.
/// </summary>
/// <remarks>
/// Packet k arrives at <c>start + k / rate</c>, whether or not anyone polls: a stall delays every packet that arrives meanwhile, and each of them counts
/// (no coordinated omission). Time is the time stamp counter.
/// </remarks>
public sealed unsafe class PacedRxQueue : RxQueue
{
    private readonly RxQueue _frames;
    private readonly ulong _ringSize;
    private double _packetsPerCycle;
    private ulong _start;
    private ulong _taken;

    /// <summary>A queue that offers nothing before <see cref="Begin"/>.</summary>
    /// <param name="frames">Where frames come from; it must never run out.</param>
    /// <param name="ringSize">Descriptors of the receive ring.</param>
    public PacedRxQueue(RxQueue frames, int ringSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ringSize, 1);
        _frames = frames;
        _ringSize = (ulong)ringSize;
    }

    /// <summary>Packets that did not fit the ring since <see cref="Begin"/>.</summary>
    public ulong Dropped { get; private set; }

    /// <summary>Packets offered since <see cref="Begin"/>: received, dropped, and those in the ring.</summary>
    public ulong Offered => _taken + Dropped;

    /// <summary>When the first packet of the latest batch arrived, TSC cycles.</summary>
    public ulong FirstArrival { get; private set; }

    /// <summary>Starts anew with an empty ring.</summary>
    /// <param name="packetsPerSecond">Offered rate.</param>
    public void Begin(double packetsPerSecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(packetsPerSecond);
        _packetsPerCycle = packetsPerSecond / TscClock.FrequencyHz;
        _taken = 0;
        Dropped = 0;
        _start = TscClock.Now;
    }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        if (_packetsPerCycle == 0) return 0;
        ulong due = (ulong)((TscClock.Now - _start) * _packetsPerCycle);
        ulong waiting = due - _taken - Dropped;
        if (waiting > _ringSize)
        {
            Dropped += waiting - _ringSize;
            waiting = _ringSize;
        }

        if (waiting == 0) return 0;
        FirstArrival = _start + (ulong)((_taken + Dropped) / _packetsPerCycle);
        int n = _frames.Receive(pool, batch, (int)Math.Min((ulong)max, waiting));
        _taken += (ulong)n;
        return n;
    }
}
