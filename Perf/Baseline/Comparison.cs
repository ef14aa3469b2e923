namespace Mergeflow.Perf;

/// <summary>
/// Two results files, row by row. Time is compared with a threshold and a noise band; what cannot be noise (allocation, packets lost) is compared
/// as it is.
/// </summary>
/// <remarks>
/// With q1 and q3 the quartiles of the runs: <c>change = new.median / old.median - 1</c>, <c>surely = new.q1 / old.q3 - 1</c>,
/// <c>possibly = new.q3 / old.q1 - 1</c>. Slower: change and surely are above the threshold resp. above 0. Too noisy: the change is above
/// the threshold but not surely slower; or it is not, but possibly lies above the threshold and further than the threshold from the change.
/// </remarks>
public sealed record Comparison(IReadOnlyList<ComparisonRow> Rows, double Threshold, IReadOnlyList<string> Notes)
{
    /// <summary>Tolerated difference of tx/rx: the last batch of a run may be cut.</summary>
    private const double TxTolerance = 0.002;

    /// <summary>Exit code: a regression outweighs noise.</summary>
    public int ExitCode => Rows.Any(r => r.Verdict == Verdict.Regression) ? PerfExitCode.Failed
        : Rows.Any(r => r.Verdict == Verdict.TooNoisy) ? PerfExitCode.TooNoisy
        : PerfExitCode.Ok;

    /// <summary>Compares.</summary>
    /// <param name="old">Baseline.</param>
    /// <param name="now">New results.</param>
    /// <param name="threshold">Slowdown that counts, e.g. 0.05.</param>
    /// <exception cref="PerfException">No row is in both.</exception>
    public static Comparison Of(ResultsFile old, ResultsFile now, double threshold)
    {
        Dictionary<string, ScenarioResult> before = ByKey(old);
        Dictionary<string, ScenarioResult> after = ByKey(now);
        ComparisonRow[] rows =
        [
            .. after.Select(n => before.TryGetValue(n.Key, out ScenarioResult? o) ? Compare(n.Key, o, n.Value, threshold) : new ComparisonRow(n.Key, null, n.Value, 0, 0, Verdict.Unmatched, "not in the baseline")),
            .. before.Where(o => !after.ContainsKey(o.Key)).Select(o => new ComparisonRow(o.Key, o.Value, null, 0, 0, Verdict.Unmatched, "only in the baseline")),
        ];
        if (rows.All(r => r.Verdict == Verdict.Unmatched)) throw PerfException.Usage("the two results have no scenario in common");
        return new Comparison(rows, threshold, NotesOf(old, now));
    }

    private static ComparisonRow Compare(string key, ScenarioResult old, ScenarioResult now, double threshold)
    {
        (double oldLow, double oldHigh) = Quartiles(old);
        (double newLow, double newHigh) = Quartiles(now);
        double change = (now.CyclesPerPacket.Median / old.CyclesPerPacket.Median) - 1;
        double noise = Math.Max((oldHigh - oldLow) / 2 / old.CyclesPerPacket.Median, (newHigh - newLow) / 2 / now.CyclesPerPacket.Median);
        ComparisonRow Row(Verdict verdict, string why = "") => new(key, old, now, change, noise, verdict, why);

        if (old.AllocatedBytes == 0 && now.AllocatedBytes > 0) return Row(Verdict.Regression, $"allocates {now.AllocatedBytes} bytes");
        if (Math.Abs(now.TxPerRx - old.TxPerRx) > TxTolerance) return Row(Verdict.Regression, FormattableString.Invariant($"tx/rx {old.TxPerRx:F3} -> {now.TxPerRx:F3}"));
        if (old.OutputSha256 is not null && now.OutputSha256 is not null && old.OutputSha256 != now.OutputSha256) return Row(Verdict.Regression, "the output is another one");
        if (change > threshold) return (newLow / oldHigh) - 1 > 0 ? Row(Verdict.Regression) : Row(Verdict.TooNoisy);
        double possibly = (newHigh / oldLow) - 1;
        return possibly > threshold && possibly - change > threshold ? Row(Verdict.TooNoisy) : Row(Verdict.SameOrBetter);
    }

    private static (double Low, double High) Quartiles(ScenarioResult row)
    {
        double[] sorted = [.. row.Runs.Select(r => r.CyclesPerPacket).Order()];
        if (sorted.Length == 0) sorted = [row.CyclesPerPacket.Min, row.CyclesPerPacket.Median, row.CyclesPerPacket.Max];
        return (Spread.Quantile(sorted, 0.25), Spread.Quantile(sorted, 0.75));
    }

    private static Dictionary<string, ScenarioResult> ByKey(ResultsFile file)
    {
        var rows = new Dictionary<string, ScenarioResult>();
        foreach (ScenarioResult row in file.Scenarios) rows[row.Key] = row;
        return rows;
    }

    private static List<string> NotesOf(ResultsFile old, ResultsFile now)
    {
        var notes = new List<string>();
        if (old.Host.CpuModel != now.Host.CpuModel || old.Host.CpuIdentity != now.Host.CpuIdentity)
            notes.Add($"Different processors: {old.Host.CpuModel} ({old.Host.CpuIdentity}) and {now.Host.CpuModel} ({now.Host.CpuIdentity}).");
        if (old.Runtime.Framework != now.Runtime.Framework) notes.Add($"Different runtimes: {old.Runtime.Framework} and {now.Runtime.Framework}.");
        if (old.Runtime.TieredPgo != now.Runtime.TieredPgo || old.Runtime.TieredCompilation != now.Runtime.TieredCompilation)
            notes.Add("Different settings of TieredCompilation or TieredPGO.");
        return notes;
    }
}
