namespace Mergeflow.Engine.Conntrack;

/// <summary>When the table was swept last, and when it will be: one time for all packet threads.</summary>
internal sealed class ConnSweep(long periodMs)
{
    private readonly long _periodMs = periodMs;
    private long _lastMs = long.MinValue;
    private long _nextMs = long.MinValue;

    /// <summary>What expired up to then is gone; <see cref="long.MinValue"/> = there was none.</summary>
    public long LastMs => Volatile.Read(ref _lastMs);

    /// <summary>When the next sweep is due.</summary>
    public long NextMs => Volatile.Read(ref _nextMs);

    /// <summary>Sweeps if it is time: some time after the last sweep, or at the first moment after that at which the clock is looked at.</summary>
    public void Pass(long nowMs)
    {
        long next = NextMs;

        // Of several threads that find it due, one sweeps.
        if (nowMs < next || Interlocked.CompareExchange(ref _nextMs, nowMs + _periodMs, next) != next) return;
        if (next != long.MinValue) Volatile.Write(ref _lastMs, nowMs);
    }
}
