using System.Runtime.CompilerServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Keeps what a port takes in to a rate, in bits, in packets, or both (the <c>police</c> action of Linux, by which OVS does it). The threads that poll the port's queues share it without a lock.</summary>
/// <remarks>
/// A bucket is one word: the time at which it would be full if nothing more came (the virtual scheduling form of a token bucket). A packet that costs some time passes if, with it, that is no further away than the burst. It is taken by a
/// compare-and-swap, again and again until nobody came between, so that no token is taken twice. A packet that the other bucket has no room for gives back what it took.
/// </remarks>
public sealed class IngressPolicer
{
    /// <summary>Times are in parts of a nanosecond, so that what a packet costs at a high rate is not rounded away: 64 of them leave years.</summary>
    private const int PartsPerNs = 64;

    /// <summary>A packet costs at least what the shortest frame does (OVS <c>ETH_TOTAL_MIN</c>).</summary>
    private const int LeastBytes = 64;

    private const double PartsPerSecond = PartsPerNs * 1e9;

    private readonly double _partsPerByte, _partsPerPacket;
    private readonly ulong _bitsBurst, _packetsBurst;
    private readonly Func<long>? _clockNs;
    private ulong _bitsFull, _packetsFull;

    /// <summary>A policer whose buckets are full.</summary>
    /// <param name="limits">Rates and bursts.</param>
    /// <param name="clockNs">Time, ns, never negative; null = the process's.</param>
    public IngressPolicer(IngressLimits limits, Func<long>? clockNs = null)
    {
        (Limits, _clockNs) = (limits.Effective, clockNs);
        if (Limits.KbitsRate != 0)
        {
            _partsPerByte = PartsPerSecond * 8 / (Limits.KbitsRate * 1000.0);
            _bitsBurst = Parts(_partsPerByte * (Limits.KbitsBurst * 1024.0 / 8));
        }

        if (Limits.KpktsRate == 0) return;
        _partsPerPacket = PartsPerSecond / (Limits.KpktsRate * 1000.0);
        _packetsBurst = Parts(_partsPerPacket * (Limits.KpktsBurst * 1000.0));
    }

    /// <summary>What it goes by.</summary>
    public IngressLimits Limits { get; }

    /// <summary>Takes a packet's tokens; false if there are not enough and it is to be dropped.</summary>
    public bool Admits(int lengthBytes) => Admits<AtomicSwap>(lengthBytes);

    /// <summary>The same with another swap, for tests.</summary>
    internal bool Admits<TSwap>(int lengthBytes)
        where TSwap : struct, IWordSwap
    {
        ulong now = (ulong)NowNs * PartsPerNs;
        ulong cost = (ulong)(_partsPerByte * Math.Max(lengthBytes, LeastBytes));
        if (!TryTake<TSwap>(ref _bitsFull, now, cost, _bitsBurst)) return false;
        if (TryTake<TSwap>(ref _packetsFull, now, (ulong)_partsPerPacket, _packetsBurst)) return true;
        Interlocked.Add(ref _bitsFull, 0 - cost);
        return false;
    }

    private long NowNs => _clockNs is not null ? _clockNs() : ProcessClock.IsStopped ? ProcessClock.NowMs * 1_000_000 : MonotonicClock.NowNs;

    private static ulong Parts(double parts) => (ulong)Math.Min(parts, long.MaxValue / 4);

    /// <summary>A bucket without a rate costs nothing and has no burst: all pass.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryTake<TSwap>(ref ulong full, ulong now, ulong cost, ulong burst)
        where TSwap : struct, IWordSwap
    {
        if (burst == 0) return true;
        while (true)
        {
            ulong before = Volatile.Read(ref full);
            ulong after = Math.Max(before, now) + cost;
            if (after - now > burst) return false;
            if (TSwap.TrySwap(ref full, after, before)) return true;
        }
    }
}
