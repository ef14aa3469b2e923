using System.Globalization;

namespace Mergeflow.Perf;

/// <summary><c>report.html</c>: one file, no script, nothing loaded from elsewhere. The answer comes first, then why, then the charts, then every figure.</summary>
public static class HtmlReport
{
    private static readonly (string Name, string Mode)[] s_modes = [("none", "none"), ("soft device", "soft"), ("emulated NIC", "nic")];

    /// <summary>The page.</summary>
    /// <param name="results">What was measured.</param>
    /// <param name="comparison">Against a baseline, or null.</param>
    public static string Write(ResultsFile results, Comparison? comparison)
    {
        results = results.WithDistinctLabels();
        var page = new HtmlPage();
        HtmlAnswer.FirstPasses(page, results);
        HtmlAnswer.Scenarios(page, results);
        HtmlAnswer.Reasons(page, results);
        if (comparison is not null) HtmlTables.Comparison(page, comparison);
        Charts(page, results);
        HtmlStudies.Write(page, results);
        HtmlTables.Rows(page, results);
        HtmlTables.Machine(page, results);
        var head = new HtmlPage();
        head.Raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Raw($"<meta name=\"color-scheme\" content=\"light dark\">\n<title>Mergeflow throughput</title>\n<style>\n{HtmlStyle.Css}\n</style>\n</head>\n<body>\n<main>\n")
            .Raw($"<h1>Mergeflow throughput</h1>\n<p class=\"sub\">{HtmlPage.E(results.CreatedAt.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture))}{(results.Commit is null ? "" : $" · commit {HtmlPage.E(results.Commit)}")} · {HtmlPage.E(results.Host.CpuModel)} · {HtmlPage.E(results.Runtime.Framework)}</p>\n");
        if (results.Scenarios.Count > 0) head.Raw(HtmlAnswer.Figures(Headline.Of(results)));
        Warnings(head, results);
        return head.Raw(page.Contents()).Raw(page.ToString()).Raw("</main>\n</body>\n</html>\n").ToString();
    }

    /// <summary>What makes figures doubtful stands right under them; files that do not tell it apart from other notes show all of them there.</summary>
    private static void Warnings(HtmlPage page, ResultsFile results)
    {
        IReadOnlyList<string> warnings = results.Warnings ?? results.Notes;
        if (warnings.Count == 0) return;
        page.Raw("<section class=\"warnings\" aria-label=\"Warnings\">\n").Raw(string.Concat(warnings.Select(static w => $"<p>{HtmlPage.E(w)}</p>\n"))).Raw("</section>\n");
    }

    private static void Charts(HtmlPage page, ResultsFile results)
    {
        IReadOnlyList<ScenarioResult> rows = results.Scenarios;
        if (rows.Count == 0) return;
        (string, string)[] modes = [.. s_modes.Where(m => rows.Any(r => r.Offload == m.Mode)).Select(m => ("offload " + m.Name, "m-" + m.Mode))
            , .. rows.Where(r => r.Peer is not null).Select(r => (r.Peer!.Name, "peer")).Distinct()];
        double hz = results.Host.TscHz;
        page.Chart("Cost", "Cycles of the time stamp counter per packet, one core: less is better. Large dot: median, small dots: single runs, line and ±: range.", modes,
            RowChart.Spread(rows, "cycles per packet", r => r.CyclesPerPacket, r => r.CyclesPerPacket, p => p.CyclesPerPacket.Median));
        page.Chart("Throughput", "Million packets per second, one core: more is better. Bar or large dot: median.", modes,
            RowChart.Spread(rows, "Mpps", r => Scale(r.PacketsPerSecond, 1e-6), r => r.Seconds > 0 ? r.Packets / r.Seconds / 1e6 : hz / r.CyclesPerPacket / 1e6, p => p.PacketsPerSecond.Median / 1e6));
        page.Chart("Where packets are decided", $"Share of packets per tier; a packet that is recirculated is split as its lookups were. The number is the share that {RowChart.TiersAbout(rows)}.{(rows.Any(static r => r.Loop is not null) ? " Captures: in the loop, which reopens their connections." : "")}",
            RowChart.TierParts.Where(p => rows.Any(r => p.Share(r.Tiers) > 0)).Select(p => (p.Name, p.Css)), RowChart.Tiers(rows));
        ScenarioResult[] onNic = [.. rows.Where(r => r.Nic is not null)];
        if (onNic.Length > 0)
        {
            page.Chart("NIC occupancy", "How full the tables of the emulated NIC were at the end. The number is the fullest table's, with its name.",
                RowChart.NicTables.Where(t => onNic.Any(r => t.Used(r.Nic!) > 0)).Select(t => (t.Name, t.Css)), RowChart.Occupancy(onNic));
        }

        ScenarioResult[] staged = [.. rows.Where(r => r.Stages is not null)];
        if (staged.Length == 0) return;
        page.Chart("Where the cycles go", "Cycles per packet of each stage, measured apart with marks between them. The number is their sum; upright line: the packet path without marks; the percentage is how far the sum is from it.",
            RowChart.StagesOf(staged).Select(s => (s, RowChart.StageCss(s))), RowChart.Stages(staged));
    }

    private static Spread Scale(Spread s, double factor) => new() { Median = s.Median * factor, Min = s.Min * factor, Max = s.Max * factor };
}
