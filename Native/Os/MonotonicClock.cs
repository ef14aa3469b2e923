using System.Diagnostics;

namespace Mergeflow.Native;

/// <summary>Nanoseconds since some fixed moment; never goes back (<c>CLOCK_MONOTONIC</c>).</summary>
public static class MonotonicClock
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

    /// <summary>Processor time that the calling thread has used so far (<c>CLOCK_THREAD_CPUTIME_ID</c>); elsewhere than on Linux, the time.</summary>
    public static unsafe long ThreadRunNs
    {
        get
        {
            const int ThreadCpuTimeId = 3;
            long* time = stackalloc long[2];
            return OperatingSystem.IsLinux() && Libc.ClockGetTime(ThreadCpuTimeId, time) == 0 ? (time[0] * 1_000_000_000) + time[1] : NowNs;
        }
    }

    /// <summary>The time now, in whole milliseconds.</summary>
    public static long NowMs => NowNs / 1_000_000;
}
