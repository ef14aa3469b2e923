namespace Mergeflow.Native;

/// <summary>Processor time of the calling thread (<c>CLOCK_THREAD_CPUTIME_ID</c>): time in which others had the processor does not count.</summary>
public static unsafe class ThreadClock
{
    private const int ThreadCpuTime = 3;

    /// <summary>Nanoseconds that the calling thread has run.</summary>
    public static long NowNs
    {
        get
        {
            long* time = stackalloc long[2];
            _ = Libc.ClockGetTime(ThreadCpuTime, time);
            return (time[0] * 1_000_000_000) + time[1];
        }
    }
}
