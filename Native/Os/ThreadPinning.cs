namespace Mergeflow.Native;

/// <summary>Binds threads to processors (DPDK <c>rte_thread_set_affinity</c>). Not to be used on threads of the thread pool.</summary>
public static unsafe partial class ThreadPinning
{
    private const int MaxCpus = 1024;
    private const int WordCount = MaxCpus / 64;

    /// <summary>The processors the calling thread may run on, ascending; empty if the system does not say.</summary>
    public static int[] AllowedCpus()
    {
        ulong* mask = stackalloc ulong[WordCount];
        return ReadMask(mask) ? [.. ToList(mask)] : [];
    }

    /// <summary>Binds the calling thread to one processor.</summary>
    /// <returns>True if the system granted it; false if there is no such processor, it is not allowed, or the system has no such call.</returns>
    public static bool TryPin(int cpu) => TrySet([cpu]);

    /// <summary>Lets the calling thread run on these processors only.</summary>
    /// <returns>True if the system granted exactly these.</returns>
    public static bool TrySet(ReadOnlySpan<int> cpus)
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
        if (!ReadMask(before) || Libc.SchedSetAffinity(0, MaxCpus / 8, wanted) != 0) return false;

        // The kernel silently drops processors that the container may not use: look what came of it.
        ulong* got = stackalloc ulong[WordCount];
        if (ReadMask(got) && new Span<ulong>(got, WordCount).SequenceEqual(new Span<ulong>(wanted, WordCount))) return true;
        _ = Libc.SchedSetAffinity(0, MaxCpus / 8, before);
        return false;
    }

    private static bool ReadMask(ulong* mask)
    {
        new Span<ulong>(mask, WordCount).Clear();
        return OperatingSystem.IsLinux() && Libc.SchedGetAffinity(0, MaxCpus / 8, mask) == 0;
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
