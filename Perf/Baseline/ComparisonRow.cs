namespace Mergeflow.Perf;

/// <summary>One row against its baseline.</summary>
/// <param name="Key">Scenario, mode, cache.</param>
/// <param name="Old">Baseline, or null.</param>
/// <param name="New">Now, or null.</param>
/// <param name="Change">Cycles per packet now over then, minus 1: positive is slower.</param>
/// <param name="Noise">Half the distance of the quartiles over the median, the larger of both.</param>
/// <param name="Verdict">Verdict.</param>
/// <param name="Why">Why it is what it is; empty if the numbers say it.</param>
public sealed record ComparisonRow(string Key, ScenarioResult? Old, ScenarioResult? New, double Change, double Noise, Verdict Verdict, string Why)
{
    /// <summary>The runs of one side: least, quartiles, most, cycles per packet.</summary>
    public static string Distribution(ScenarioResult? row)
    {
        if (row is null) return "-";
        double[] sorted = [.. row.Runs.Select(r => r.CyclesPerPacket).Order()];
        if (sorted.Length == 0) sorted = [row.CyclesPerPacket.Min, row.CyclesPerPacket.Median, row.CyclesPerPacket.Max];
        return string.Join(" ", new[] { 0, 0.25, 0.5, 0.75, 1 }.Select(q => ResultsTable.Short(Spread.Quantile(sorted, q)))) + $" (n={sorted.Length})";
    }
}
