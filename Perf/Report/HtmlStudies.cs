namespace Mergeflow.Perf;

/// <summary>Charts and tables of the studies in the report.</summary>
internal static class HtmlStudies
{
    /// <summary>Appends a section per study that has rows.</summary>
    public static void Write(HtmlPage page, ResultsFile results)
    {
        IReadOnlyList<ScenarioResult> rows = results.Scenarios;
        Chart(page, "Latency", "Time from the arrival that the rate prescribes to the end of the batch.", new LineChart("percentile", "us", LogX: false) { LogY = true, XNames = [(0.3, "50"), (1, "90"), (2, "99"), (3, "99.9"), (4, "99.99")] },
            [.. rows.Where(r => r.Rates is not null).SelectMany(r => r.Rates!.Latency.Select(l => ($"{RowChart.Label(r)} at {l.LoadPercent:F0} %", Percentiles(l))))]);
        Chart(page, "Offload ramp", "Share of packets that merged rules take, after all rules were deleted.", new LineChart("ms", "% offloaded", LogX: false),
            [.. rows.Where(r => r.Ramp is not null).Select(r => (RowChart.Label(r), r.Ramp!.Select(p => (p.Ms, p.OffloadedPercent))))]);
        foreach (ScenarioResult ramped in rows.Where(r => r.Ramp is { Count: > 0 } points && points.All(p => p.Tiers is not null)))
        {
            Chart(page, $"Tiers over time: {RowChart.Label(ramped)}", "Share of packets per tier, after all rules were deleted.", new LineChart("ms", "% of packets", LogX: false),
                [.. RowChart.TierParts.Where(t => ramped.Ramp!.Any(p => t.Share(p.Tiers!) > 0)).Select(t => (t.Name, ramped.Ramp!.Select(p => (p.Ms, t.Share(p.Tiers!)))))],
                name => RowChart.TierParts.First(t => t.Name == name).Css);
        }

        ScenarioResult[] churned = [.. rows.Where(r => r.Churn is not null)];
        Chart(page, "Throughput while the tables change", "Each point is a window; the number after @ is flow-mods per second.", new LineChart("ms", "Mpps", LogX: false),
            [.. churned.Select(r => (RowChart.Label(r), r.Churn!.Points.Select(p => (p.Ms, p.PacketsPerSecond / 1e6))))]);
        Chart(page, "Offloaded share while the tables change", "Share of packets that merged rules take.", new LineChart("ms", "% offloaded", LogX: false),
            [.. churned.Where(r => r.Offload != "none").Select(r => (RowChart.Label(r), r.Churn!.Points.Select(p => (p.Ms, p.OffloadedPercent))))]);
        ScenarioResult[] swept = [.. rows.Where(r => r.Sweep is not null)];
        Chart(page, "Table size", "Share of packets that the table takes, and the share of the most frequent flows: no policy can do better while popularity stays.", new LineChart("rules that fit", "% offloaded", LogX: true),
            [
                .. swept.GroupBy(r => $"{r.Name.Split('@')[0]} · {r.Offload}").Select(g => (g.Key, g.Select(r => ((double)r.Sweep!.Capacity, r.Sweep.OffloadedPercent)))),
                .. swept.GroupBy(r => r.Name.Split('@')[0]).Select(g => ($"{g.Key} · optimum", g.DistinctBy(r => r.Sweep!.Capacity).Select(r => ((double)r.Sweep!.Capacity, r.Sweep.OptimumPercent)))),
            ]);
        foreach ((string title, string[] headers, int textColumns, IReadOnlyList<string[]> lines) in StudyTables.Of(results).Where(t => t.Rows.Count > 0))
        {
            int cut = title.IndexOfAny([',', '(']);
            string heading = (cut < 0 ? title : title[..cut]).TrimEnd();
            HtmlTables.Plain(page, char.ToUpperInvariant(heading[0]) + heading[1..] + ": table", cut < 0 ? "" : title[cut..].TrimStart(',', ' '), headers, textColumns, lines);
        }
    }

    /// <param name="cssOf">Colour class by the line's name; null = colours that mean nothing.</param>
    private static void Chart(HtmlPage page, string title, string about, LineChart chart, IReadOnlyList<(string Name, IEnumerable<(double X, double Y)> Points)> lines, Func<string, string>? cssOf = null)
    {
        if (lines.Count == 0) return;
        LineChart.Series[] series = [.. lines.Select((l, i) => new LineChart.Series(l.Name, cssOf?.Invoke(l.Name) ?? LineChart.CssOf(i), [.. l.Points]))];
        page.Chart(title, about, series.Select(static s => (s.Name, s.Css)), chart.Draw(series));
    }

    private static IEnumerable<(double X, double Y)> Percentiles(LatencyAt l)
        => [(0.3, l.P50Ns / 1e3), (1, l.P90Ns / 1e3), (2, l.P99Ns / 1e3), (3, l.P999Ns / 1e3), (4, l.P9999Ns / 1e3)];
}
