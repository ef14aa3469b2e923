using System.Globalization;

namespace Mergeflow.Native;

/// <summary>
/// Processors that packet threads have to themselves: every other thread of the process is kept off them, the runtime's own included, as long as one is left for those (DPDK: what
/// <c>lcore-mask</c> and <c>isolcpus</c> are set for by hand). A packet thread never sleeps under load, so whoever shares its processor takes it away for a tick of the system at a time, 4 ms with 250 Hz.
/// </summary>
/// <remarks>Threads that have been bound by somebody else stay where they are. Nothing happens where the system does not say what a thread may use.</remarks>
public static class PacketCpus
{
    private const string Tasks = "/proc/self/task";

    /// <summary>A thread that begins while others are moved has the place of the one that began it: look again.</summary>
    private const int MostRounds = 4;

    private static readonly Lock s_lock = new();

    /// <summary>Packet threads, and the processor of each: several may have the same.</summary>
    private static readonly Dictionary<int, int> s_taken = [];

    /// <summary>Before the first one was taken.</summary>
    private static int[] s_all = [];

    /// <summary>What all other threads may use now.</summary>
    private static int[] s_others = [];

    /// <summary>The processors that the process may use, whoever has them, ascending; empty if the system does not say.</summary>
    public static int[] OfProcess
    {
        get
        {
            lock (s_lock) return s_taken.Count > 0 ? s_all : ThreadPinning.AllowedCpus();
        }
    }

    /// <summary>Binds the calling thread to a processor (<see cref="ThreadPinning.TryPin"/>), and gives it that to itself. In one step: a thread that is bound and not known yet could be taken for one of the others.</summary>
    /// <returns>Gives it back; to be disposed by the thread when it ends. Null if the system does not grant it.</returns>
    public static IDisposable? TryTake(int cpu)
    {
        int thread = ThreadPinning.CurrentThread;
        lock (s_lock)
        {
            // Of the process: the calling thread may have been bound by somebody else.
            if (s_taken.Count == 0) s_others = s_all = ThreadPinning.AllowedCpus(Environment.ProcessId);
            if (!ThreadPinning.TryPin(cpu)) return null;
            s_taken[thread] = cpu;
            Share();
        }

        return new Taken(thread);
    }

    private static void GiveBack(int thread)
    {
        lock (s_lock)
        {
            if (s_taken.Remove(thread)) Share();
        }
    }

    /// <summary>Moves all threads that are where the others were to where the others are now.</summary>
    private static void Share()
    {
        int[] left = [.. s_all.Where(static c => !s_taken.ContainsValue(c))];
        int[] others = left.Length > 0 ? left : s_all, before = s_others;
        s_others = others;
        if (others.AsSpan().SequenceEqual(before) || !Directory.Exists(Tasks)) return;
        for (int round = 0; round < MostRounds && MoveAll(before, others); round++)
        {
        }
    }

    private static bool MoveAll(int[] from, int[] to)
    {
        bool moved = false;
        foreach (string task in Directory.GetDirectories(Tasks))
        {
            if (!int.TryParse(Path.GetFileName(task), NumberStyles.None, CultureInfo.InvariantCulture, out int thread) || s_taken.ContainsKey(thread)) continue;
            if (ThreadPinning.AllowedCpus(thread).AsSpan().SequenceEqual(from)) moved |= ThreadPinning.TrySet(thread, to);
        }

        return moved;
    }

    private sealed class Taken(int thread) : IDisposable
    {
        public void Dispose() => GiveBack(thread);
    }
}
