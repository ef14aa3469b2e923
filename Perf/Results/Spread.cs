using System.Text.Json.Serialization;

namespace Mergeflow.Perf;

/// <summary>A figure over several runs.</summary>
public sealed record Spread
{
    /// <summary>Middle value; the mean of the two middle ones if their number is even.</summary>
    public required double Median { get; init; }

    /// <summary>Smallest value.</summary>
    public required double Min { get; init; }

    /// <summary>Largest value.</summary>
    public required double Max { get; init; }

    /// <summary>Half the range over the median: how much of the figure is noise.</summary>
    [JsonIgnore]
    public double Noise => Median == 0 ? 0 : (Max - Min) / 2 / Median;

    /// <summary>Of at least one value.</summary>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return new Spread { Median = Quantile(sorted, 0.5), Min = sorted[0], Max = sorted[^1] };
    }

    /// <summary>Quantile of ascending values, with interpolation.</summary>
    public static double Quantile(IReadOnlyList<double> sorted, double q)
    {
        double at = q * (sorted.Count - 1);
        int low = (int)at;
        double part = at - low;
        return part == 0 ? sorted[low] : (sorted[low] * (1 - part)) + (sorted[low + 1] * part);
    }
}
