using System.Numerics;

namespace Mergeflow.Perf;

/// <summary>
/// Counts durations in buckets that grow with the value, as HdrHistogram does: 64 per power of two, so that a value is known to 1.6 %.
/// Recording allocates nothing.
/// </summary>
public sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int SubCount = 1 << SubBits;

    private readonly ulong[] _counts = new ulong[(64 - SubBits + 1) * SubCount];

    /// <summary>Values recorded.</summary>
    public ulong Count { get; private set; }

    /// <summary>Largest value recorded, exactly.</summary>
    public ulong Max { get; private set; }

    /// <summary>Records one value.</summary>
    public void Add(ulong value)
    {
        _counts[IndexOf(value)]++;
        Count++;
        if (value > Max) Max = value;
    }

    /// <summary>Records all values of another histogram.</summary>
    public void Add(LatencyHistogram other)
    {
        for (int i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
        Count += other.Count;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>Values above one, to the width of its bucket.</summary>
    public ulong CountAbove(ulong value)
    {
        ulong count = 0;
        for (int i = IndexOf(value) + 1; i < _counts.Length; i++) count += _counts[i];
        return count;
    }

    /// <summary>The value that a part of all values does not exceed; 0 without values.</summary>
    /// <param name="part">0..1, e.g. 0.999.</param>
    public ulong Percentile(double part)
    {
        ulong wanted = Math.Max(1, (ulong)Math.Ceiling(part * Count));
        ulong seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= wanted) return Math.Min(HighestOf(i), Max);
        }

        return Max;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        (Count, Max) = (0, 0);
    }

    // Values below 64 have a bucket each; above, the exponent picks a row of 64 and the next six bits the bucket in it.
    private static int IndexOf(ulong value)
    {
        if (value < SubCount) return (int)value;
        int exponent = BitOperations.Log2(value) - SubBits;
        return ((exponent + 1) << SubBits) + (int)((value >> exponent) & (SubCount - 1));
    }

    private static ulong HighestOf(int index)
    {
        if (index < SubCount) return (ulong)index;
        int exponent = (index >> SubBits) - 1;
        ulong sub = SubCount + ((ulong)index & (SubCount - 1));
        return ((sub + 1) << exponent) - 1;
    }
}
