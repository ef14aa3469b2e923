namespace Mergeflow.Native;

/// <summary>How often the calling thread has lost its processor, <c>getrusage(RUSAGE_THREAD)</c>: tells a pause that the system made from one that the process made.</summary>
public static unsafe class ThreadSwitches
{
    private const int Thread = 1;
    private const int Words = 18;
    private const int Voluntary = 16;
    private const int Involuntary = 17;

    /// <summary>Times that it gave the processor up, and times that it was taken away; both 0 on another system than Linux.</summary>
    public static (long Voluntary, long Involuntary) Now()
    {
        long* usage = stackalloc long[Words];
        return OperatingSystem.IsLinux() && Libc.GetRUsage(Thread, usage) == 0 ? (usage[Voluntary], usage[Involuntary]) : default;
    }
}
