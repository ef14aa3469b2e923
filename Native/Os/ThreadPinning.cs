namespace Mergeflow.Native;

/// <summary>Binds threads to processors (DPDK <c>rte_thread_set_affinity</c>). Not to be used on threads of the thread pool.</summary>
public static unsafe partial class ThreadPinning
{
    private const int MaxCpus = 1024;
    private const int WordCount = MaxCpus / 64;

    /// <summary>The processors the calling thread may run on, ascending; empty if the system does not say.</summary>
    public static int[] AllowedCpus() => AllowedCpus(0);

    /// <summary>The same of any thread of the system, by its number; that of the process is the one of its first thread. Empty if it has ended.</summary>
    public static int[] AllowedCpus(int thread)
    {
        ulong* mask = stackalloc ulong[WordCount];
        return ReadMask(thread, mask) ? [.. ToList(mask)] : [];
    }

    /// <summary>The system's number of the calling thread; 0 where threads have none.</summary>
    public static int CurrentThread => OperatingSystem.IsLinux() ? Libc.GetTid() : 0;

    /// <summary>Binds the calling thread to one processor.</summary>
    /// <returns>True if the system granted it; false if there is no such processor, it is not allowed, or the system has no such call.</returns>
    public static bool TryPin(int cpu) => TrySet([cpu]);

    /// <summary>Lets the calling thread run on these processors only.</summary>
    /// <returns>True if the system granted exactly these.</returns>
    public static bool TrySet(ReadOnlySpan<int> cpus) => TrySet(0, cpus);

    /// <summary>The same for any thread of the system, by its number; false if it has ended.</summary>
    public static bool TrySet(int thread, ReadOnlySpan<int> cpus)
    {
        if (!OperatingSystem.IsLinux() || cpus.IsEmpty) return false;
        ulong* wanted = stackalloc ulong[WordCount];
        new Span<ulong>(wanted, WordCount).Clear();
        foreach (int cpu in cpus)
        {
            if ((uint)cpu >= MaxCpus) return false;
            wanted[cpu / 64] |= 1UL << (cpu % 64);
        }

        ulong* before = stackalloc ulong[WordCount];
        if (!ReadMask(thread, before) || Libc.SchedSetAffinity(thread, MaxCpus / 8, wanted) != 0) return false;

        // The kernel silently drops processors that the container may not use: look what came of it.
        ulong* got = stackalloc ulong[WordCount];
        if (ReadMask(thread, got) && new Span<ulong>(got, WordCount).SequenceEqual(new Span<ulong>(wanted, WordCount))) return true;
        _ = Libc.SchedSetAffinity(thread, MaxCpus / 8, before);
        return false;
    }

    private static bool ReadMask(int thread, ulong* mask)
    {
        new Span<ulong>(mask, WordCount).Clear();
        return OperatingSystem.IsLinux() && Libc.SchedGetAffinity(thread, MaxCpus / 8, mask) == 0;
    }

    private static List<int> ToList(ulong* mask)
    {
        var cpus = new List<int>();
        for (int cpu = 0; cpu < MaxCpus; cpu++)
        {
            if ((mask[cpu / 64] >> (cpu % 64) & 1) != 0) cpus.Add(cpu);
        }

        return cpus;
    }
}
