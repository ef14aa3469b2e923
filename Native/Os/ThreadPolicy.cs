namespace Mergeflow.Native;

/// <summary>How the system shares a processor between the calling thread and others. Not to be used on threads of the thread pool.</summary>
public static unsafe class ThreadPolicy
{
    /// <summary>Linux <c>SCHED_IDLE</c>.</summary>
    private const int Idle = 5;

    /// <summary>From now on the thread has a processor while nobody else wants it. False if the system refuses.</summary>
    public static bool TrySetIdle()
    {
        int priority = 0;
        return OperatingSystem.IsLinux() && Libc.SchedSetScheduler(0, Idle, &priority) == 0;
    }
}
