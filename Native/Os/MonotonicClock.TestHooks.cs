namespace Mergeflow.Native;

/// <remarks>What only tests look at.</remarks>
public static partial class MonotonicClock
{
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
