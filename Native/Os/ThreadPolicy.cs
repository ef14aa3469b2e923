using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>How the system shares a processor between the calling thread and others. Not to be used on threads of the thread pool.</summary>
public static unsafe class ThreadPolicy
{
    /// <summary>Linux <c>SCHED_IDLE</c>.</summary>
    private const int Idle = 5;

    /// <summary>Linux <c>SCHED_OTHER</c>.</summary>
    private const int Usual = 0;

    /// <summary>Linux <c>SCHED_BATCH</c>.</summary>
    private const int Batch = 3;

    /// <summary>The shortest turn that Linux gives, ns.</summary>
    private const ulong TurnNs = 100_000;

    /// <summary>From now on the thread has a processor while nobody else wants it. False if the system refuses.</summary>
    public static bool TrySetIdle()
    {
        int priority = 0;
        return OperatingSystem.IsLinux() && Libc.SchedSetScheduler(0, Idle, &priority) == 0;
    }

    /// <summary>
    /// From now on the thread has short turns (<see cref="TurnNs"/>; Linux EEVDF: a slice). It gets no more of a processor than before, but gets it at once when it has something to do: in the middle of the turn of a thread
    /// that has longer ones, as packet threads have. False where the system has no such turns (before Linux 6.12 the call is taken and nothing changes) or another policy than the usual one holds.
    /// </summary>
    public static bool TryShortenTurns() => TrySetTurns(TurnNs);

    /// <summary>From now on the thread has turns as long as the system likes: a thread begins with those of the one that began it.</summary>
    public static bool TryUsualTurns() => TrySetTurns(0);

    private static bool TrySetTurns(ulong ns)
    {
        if (!OperatingSystem.IsLinux()) return false;
        SchedulingAttributes attributes = default;
        if (Libc.Syscall(Libc.SchedGetAttr, 0, &attributes, sizeof(SchedulingAttributes), 0) != 0) return false;
        if (attributes.Policy is not (Usual or Batch)) return false;
        attributes.RuntimeNs = ns;
        attributes.SizeBytes = sizeof(SchedulingAttributes);
        attributes.Flags = 0;
        return Libc.Syscall(Libc.SchedSetAttr, 0, &attributes, 0, 0) == 0;
    }

    /// <summary>Linux <c>struct sched_attr</c>, its first version.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SchedulingAttributes
    {
        public int SizeBytes;
        public int Policy;
        public ulong Flags;
        public int Nice;
        public int Priority;
        public ulong RuntimeNs;
        public ulong DeadlineNs;
        public ulong PeriodNs;
    }
}
