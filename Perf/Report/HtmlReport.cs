using System.Globalization;
using System.Net;
using System.Text;

namespace Mergeflow.Perf;

/// <summary><c>report.html</c>: one file, no script, nothing loaded from elsewhere.</summary>
public static class HtmlReport
{
    private static readonly (string Name, string Mode)[] s_modes = [("none", "none"), ("soft device", "soft"), ("emulated NIC", "nic")];

    /// <summary>The page.</summary>
    /// <param name="results">What was measured.</param>
    /// <param name="comparison">Against a baseline, or null.</param>
    public static string Write(ResultsFile results, Comparison? comparison)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.Append("<meta name=\"color-scheme\" content=\"light dark\">\n<title>Mergeflow throughput</title>\n<style>\n").Append(HtmlStyle.Css).Append("\n</style>\n</head>\n<body>\n<main>\n");
        page.Append($"<h1>Mergeflow throughput</h1>\n<p class=\"sub\">{E(results.CreatedAt.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture))}{(results.Commit is null ? "" : $" · commit {E(results.Commit)}")} · {E(results.Host.CpuModel)} · {E(results.Runtime.Framework)}</p>\n");
        Notes(page, results);
        Charts(page, results);
        HtmlStudies.Write(page, results);
        if (comparison is not null) HtmlTables.Comparison(page, comparison);
        HtmlTables.Rows(page, results);
        HtmlTables.Scenarios(page, results);
        HtmlTables.Reasons(page, results);
        HtmlTables.Machine(page, results);
        page.Append("</main>\n</body>\n</html>\n");
        return page.ToString();
    }

    /// <summary>Text for HTML.</summary>
    internal static string E(string text) => WebUtility.HtmlEncode(text);

    private static void Notes(StringBuilder page, ResultsFile results)
    {
        if (results.Notes.Count == 0) return;
        page.Append("<section class=\"notes\">\n");
        foreach (string note in results.Notes) page.Append($"<p>{E(note)}</p>\n");
        page.Append("</section>\n");
    }

    private static void Charts(StringBuilder page, ResultsFile results)
    {
        IReadOnlyList<ScenarioResult> rows = results.Scenarios;
        string modes = Legend(s_modes.Where(m => rows.Any(r => r.Offload == m.Mode)).Select(m => ("offload " + m.Name, "m-" + m.Mode))
            .Concat(rows.Where(r => r.Peer is not null).Select(r => (r.Peer!.Name, "peer")).Distinct()));
        double hz = results.Host.TscHz;
        Section(page, "Cost", "Cycles of the time stamp counter per packet, one core: less is better. Large dot: median, small dots: single runs, line and ±: range.", modes,
            RowChart.Spread(rows, "cycles per packet", r => r.CyclesPerPacket, r => r.CyclesPerPacket, p => p.CyclesPerPacket.Median));
        Section(page, "Throughput", "Million packets per second, one core: more is better. Bar or large dot: median.", modes,
            RowChart.Spread(rows, "Mpps", r => Scale(r.PacketsPerSecond, 1e-6), r => r.Seconds > 0 ? r.Packets / r.Seconds / 1e6 : hz / r.CyclesPerPacket / 1e6, p => p.PacketsPerSecond.Median / 1e6));
        Section(page, "Where packets are decided", "Share of packets per tier; a packet that is recirculated is split as its lookups were.",
            Legend(RowChart.TierParts.Where(p => rows.Any(r => p.Share(r.Tiers) > 0)).Select(p => (p.Name, p.Css))), RowChart.Tiers(rows));
        ScenarioResult[] onNic = [.. rows.Where(r => r.Nic is not null)];
        if (onNic.Length > 0)
        {
            Section(page, "NIC occupancy", "How full the tables of the emulated NIC were at the end. The number is the exact-match table's.",
                Legend(RowChart.NicTables.Where(t => onNic.Any(r => t.Used(r.Nic!) > 0)).Select(t => (t.Name, t.Css))), RowChart.Occupancy(onNic));
        }

        ScenarioResult[] staged = [.. rows.Where(r => r.Stages is not null)];
        if (staged.Length == 0) return;
        Section(page, "Where the cycles go", "Cycles per packet of each stage, measured apart with marks between them. Upright line: the packet path without marks; the percentage is how far the sum is from it.",
            Legend(RowChart.StagesOf(staged).Select(s => (s, RowChart.StageCss(s)))), RowChart.Stages(staged));
    }

    private static Spread Scale(Spread s, double factor) => new() { Median = s.Median * factor, Min = s.Min * factor, Max = s.Max * factor };

    private static string Legend(IEnumerable<(string Name, string Css)> entries)
        => $"<ul class=\"legend\">{string.Concat(entries.Select(e => $"<li><i class=\"{e.Css}\"></i>{E(e.Name)}</li>"))}</ul>\n";

    private static void Section(StringBuilder page, string title, string about, string legend, string chart)
        => page.Append($"<section>\n<h2>{E(title)}</h2>\n<p class=\"sub\">{E(about)}</p>\n{legend}{chart}</section>\n");
}
