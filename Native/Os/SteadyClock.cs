using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>
/// Time that never goes back, made of a clock that may: all deadlines of a datapath are compared with it. A step back by more than
/// <see cref="MaxSkewMs"/> is taken for a clock that was set, and from then on its times count from the latest time seen: nothing lives longer for it. A smaller
/// one is a thread that read the clock a while ago, and gets the latest time. A step forward is time that has passed.
/// </summary>
/// <remarks>Any thread. A call is two loads and two compares, and one locked exchange when the millisecond has changed.</remarks>
public sealed class SteadyClock
{
    /// <summary>Largest difference between threads that read one clock, ms.</summary>
    public const long MaxSkewMs = 10_000;

    /// <summary>Later times count as this one: 139 years, so that they can be told in nanoseconds.</summary>
    public const long MaxMs = 1L << 42;

    private long _lastMs;
    private long _offsetMs;

    /// <summary>
    /// The caller's clock is not set: whoever is behind read it a while ago, however far behind it is. A process that was stopped for longer than <see cref="MaxSkewMs"/> has threads that
    /// did; taken for a step back, they would move the time of all others forward, again and again. Set before the first use.
    /// </summary>
    public bool NeverGoesBack { get; set; }

    /// <summary>The latest steady time that anybody has got, ms.</summary>
    public long LastMs => Volatile.Read(ref _lastMs);

    /// <summary>The steady time of a time on the caller's clock, ms; at least 0 and at least what any caller got before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Of(long nowMs)
    {
        long steadyMs = Math.Min(nowMs, MaxMs) + Volatile.Read(ref _offsetMs);
        return steadyMs == Volatile.Read(ref _lastMs) ? steadyMs : Move(nowMs, steadyMs);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long Move(long nowMs, long steadyMs)
    {
        long last = Volatile.Read(ref _lastMs);
        while (steadyMs > last)
        {
            long was = Interlocked.CompareExchange(ref _lastMs, steadyMs, last);
            if (was == last) return steadyMs;
            last = was;
        }

        if (NeverGoesBack) return last;
        long offset = Volatile.Read(ref _offsetMs);
        long behindMs = last - (Math.Clamp(nowMs, -MaxMs, MaxMs) + offset);

        // Another thread may have seen the same step already: then the offset is no longer what it was.
        if (behindMs > MaxSkewMs) Interlocked.CompareExchange(ref _offsetMs, offset + behindMs, offset);
        return last;
    }
}
