namespace Mergeflow.PropertyTests;

/// <summary>What kind of input a run was and where it went: a property that saw nothing but drops proved nothing.</summary>
internal sealed class RunStatistics
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public long this[string name] => _counts.GetValueOrDefault(name);

    public void Add(string name, long count = 1) => _counts[name] = _counts.GetValueOrDefault(name) + count;

    public void AddAll(RunStatistics other)
    {
        foreach ((string name, long count) in other._counts) Add(name, count);
    }

    /// <summary>One line per count; with its share of <paramref name="of"/> where that is there.</summary>
    public string Report(string of)
    {
        double whole = Math.Max(1, this[of]);
        return string.Join('\n', _counts.Select(c => $"{c.Key,-28} {c.Value,10}  {100 * c.Value / whole,6:F1} %"));
    }
}
