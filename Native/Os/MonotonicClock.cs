using System.Diagnostics;

namespace Mergeflow.Native;

/// <summary>Nanoseconds since some fixed moment; never goes back (<c>CLOCK_MONOTONIC</c>).</summary>
public static partial class MonotonicClock
{
    private static readonly long NsPerTick = 1_000_000_000 / Stopwatch.Frequency;
    private static readonly bool Whole = 1_000_000_000 % Stopwatch.Frequency == 0;

    /// <summary>The time now.</summary>
    public static long NowNs
    {
        get
        {
            long ticks = Stopwatch.GetTimestamp();
            return Whole ? ticks * NsPerTick : (long)((Int128)ticks * 1_000_000_000 / Stopwatch.Frequency);
        }
    }
}
