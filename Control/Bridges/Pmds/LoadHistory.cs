namespace Mergeflow.Control.Bridges;

/// <summary>How long something took in each of the last intervals of <see cref="IntervalMs"/> (OVS <c>cycles_intrvl</c>). For one thread.</summary>
public sealed class LoadHistory
{
    /// <summary>Length of an interval.</summary>
    public const int IntervalMs = 5000;

    /// <summary>Intervals that are remembered.</summary>
    public const int Count = 12;

    private readonly long[] _ticks = new long[Count];
    private int _next;
    private long _before;

    /// <summary>An interval ends, in which a counter has grown to what it is now.</summary>
    /// <returns>By how much.</returns>
    public long Store(long counter)
    {
        long grown = Math.Max(0, counter - _before);
        _before = counter;
        _ticks[_next] = grown;
        _next = (_next + 1) % Count;
        return grown;
    }

    /// <summary>The sum of the last <paramref name="intervals"/>.</summary>
    public long Sum(int intervals)
    {
        long sum = 0;
        for (int i = 1; i <= Math.Min(intervals, Count); i++) sum += _ticks[(_next - i + Count) % Count];
        return sum;
    }

    /// <summary>Forgets what was; the counter is what it is now.</summary>
    public void Restart(long counter)
    {
        Array.Clear(_ticks);
        _before = counter;
    }
}
