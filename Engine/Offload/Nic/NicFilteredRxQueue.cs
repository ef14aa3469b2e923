using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>A receive queue behind an offloading device: what the device's rules take never reaches the packet thread.</summary>
public sealed unsafe class NicFilteredRxQueue : RxQueue
{
    private readonly RxQueue _wire;
    private readonly NicFrontEnd _nic;

    private readonly Func<long>? _clock;
    private ulong _offeredBefore;

    /// <summary>A device between a wire and the packet thread.</summary>
    /// <param name="wire">What arrives.</param>
    /// <param name="nic">The device.</param>
    /// <param name="clock">Its time in ms; null = the system's.</param>
    public NicFilteredRxQueue(RxQueue wire, NicFrontEnd nic, Func<long>? clock = null) => (_wire, _nic, _clock) = (wire, nic, clock);

    /// <summary>The device.</summary>
    public NicFrontEnd Nic => _nic;

    /// <summary>Frames offered to the device.</summary>
    public ulong Offered { get; private set; }

    /// <summary>TSC cycles that the emulation of the device took: no processor would spend them with a real one.</summary>
    public ulong DeviceCycles { get; private set; }

    /// <inheritdoc/>
    public override WakeLatch? Latch
    {
        get => _wire.Latch;
        set => _wire.Latch = value;
    }

    /// <summary>The thread does the device's work, which is none of its own: while frames come it does not sleep.</summary>
    public override void BeforeSleep(PollSet set)
    {
        if (Offered != _offeredBefore) set.AtMost(0);
        _offeredBefore = Offered;
        _wire.BeforeSleep(set);
    }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        int n = _wire.Receive(pool, batch, max);
        Offered += (ulong)n;
        long nowMs = _clock is null ? ProcessClock.NowMs : _clock();
        int kept = 0;
        ulong start = TscClock.Now;
        for (int i = 0; i < n; i++)
        {
            if (_nic.TryReceive(batch[i], nowMs)) pool.Return(batch[i]);
            else batch[kept++] = batch[i];
        }

        DeviceCycles += TscClock.Now - start;
        return kept;
    }
}
