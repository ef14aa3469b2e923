namespace Mergeflow.Native;

/// <summary>
/// The time by which everything of the process ages, ms since some fixed moment: packet threads, connections, learned addresses, timeouts. It is the machine's until somebody stops it or moves it forward (OVS <c>lib/timeval.c</c>:
/// <c>time/stop</c>, <c>time/warp</c>); it never goes back. How long something takes is measured by <see cref="MonotonicClock"/>, which nobody moves.
/// </summary>
public static class ProcessClock
{
    private static readonly Lock s_lock = new();
    private static long s_aheadMs;
    private static long s_stoppedMs = -1;

    /// <summary>The time now. From any thread.</summary>
    public static long NowMs
    {
        get
        {
            long stopped = Volatile.Read(ref s_stoppedMs);
            return stopped >= 0 ? stopped : Environment.TickCount64 + Volatile.Read(ref s_aheadMs);
        }
    }

    /// <summary>It moves by <see cref="Warp"/> alone.</summary>
    public static bool IsStopped => Volatile.Read(ref s_stoppedMs) >= 0;

    /// <summary>Somebody moves it, or has moved it.</summary>
    public static bool IsMoved => IsStopped || AheadMs != 0;

    /// <summary>How far ahead of the machine's time it is, ms; meaningless once it is stopped.</summary>
    public static long AheadMs => Volatile.Read(ref s_aheadMs);

    /// <summary>From now on it stands still unless it is moved.</summary>
    public static void Stop()
    {
        lock (s_lock)
        {
            if (!IsStopped) Volatile.Write(ref s_stoppedMs, NowMs);
        }
    }

    /// <summary>Moves it forward.</summary>
    /// <param name="ms">By how much, not negative.</param>
    public static void Warp(long ms)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ms);
        lock (s_lock)
        {
            if (IsStopped) Volatile.Write(ref s_stoppedMs, s_stoppedMs + ms);
            else Volatile.Write(ref s_aheadMs, s_aheadMs + ms);
        }
    }
}
