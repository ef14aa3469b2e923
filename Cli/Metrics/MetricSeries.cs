namespace Mergeflow.Cli;

/// <summary>One series of a metric: what its labels name. Whoever holds the store's lock may use it.</summary>
/// <param name="labels">Names and values, sorted by name.</param>
internal sealed class MetricSeries(IReadOnlyList<(string Name, string Value)> labels)
{
    /// <summary>Upper ends of the classes of a distribution, seconds.</summary>
    public static readonly double[] Bounds = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    /// <summary>Names and values, sorted by name.</summary>
    public IReadOnlyList<(string Name, string Value)> Labels => labels;

    /// <summary>Of a counter or a level.</summary>
    public double Value { get; set; }

    /// <summary>Of a distribution: how many values are in the class that ends at each of <see cref="Bounds"/>; the last one is what is larger than all.</summary>
    public long[] Counts { get; } = new long[Bounds.Length + 1];

    /// <summary>Of a distribution: the sum of its values.</summary>
    public double Sum { get; private set; }

    /// <summary>Adds a value to a distribution.</summary>
    public void Record(double value)
    {
        int place = Array.BinarySearch(Bounds, value);
        Counts[place < 0 ? ~place : place]++;
        Sum += value;
    }
}
