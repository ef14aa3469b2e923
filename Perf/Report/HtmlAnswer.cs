using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>The first part of the report: the headline, a line per scenario, what became of the packets and why the rest was not offloaded.</summary>
internal static class HtmlAnswer
{
    /// <summary>The three numbers.</summary>
    public static string Figures(Headline headline)
        => $"<section class=\"figures\" aria-label=\"Headline\">\n{string.Concat(new[] { headline.Offloaded, headline.Times, headline.Cost }.Select(static f => $"<div><p class=\"figure\"><strong>{HtmlPage.E(f.Value)}</strong> <span>{HtmlPage.E(f.Title)}</span></p><p class=\"sub\">{HtmlPage.E(f.About)}</p></div>\n"))}</section>\n";

    /// <summary>One line per scenario: what it costs without and with offload, what is offloaded, and the peer.</summary>
    public static void Scenarios(HtmlPage page, ResultsFile results)
    {
        IGrouping<(string Name, bool CacheOn), ScenarioResult>[] groups = [.. results.Scenarios.GroupBy(static r => (r.Name, r.CacheOn))];
        bool hasOffload = results.Scenarios.Any(static r => r.Offload != "none"), hasPeer = results.Scenarios.Any(static r => r.Peer is not null), isNic = results.Scenarios.Any(static r => r.Offload == "nic");
        List<(string Header, Func<IEnumerable<ScenarioResult>, string> Cell)> columns = [("cycles per packet, no offload", static g => Cycles(g, "none"))];
        if (hasOffload)
        {
            columns.Add(("cycles, soft offload", static g => Cycles(g, "soft")));
            columns.Add(("times fewer", static g => Ratio(g)));
            columns.Add(("soft offload takes", static g => Share(g, "soft")));
            if (isNic) columns.Add(("NIC takes", static g => Share(g, "nic")));
        }

        if (hasPeer)
        {
            columns.Add(("cycles, peer", static g => g.FirstOrDefault(static r => r.Peer is not null)?.Peer is { } p ? ResultsTable.Short(p.CyclesPerPacket.Median) : "-"));
            columns.Add(("times fewer than peer", static g => Best(g) is double times ? F1(times) : "-"));
        }

        page.Section("By scenario", hasPeer ? "Medians. Times fewer than peer: of the row with the fewest cycles." : "Medians.");
        page.Table("Results by scenario", ["scenario", .. columns.Select(static c => c.Header)], 1);
        foreach (IGrouping<(string Name, bool CacheOn), ScenarioResult> group in groups)
        {
            page.Row();
            string cache = group.Key.CacheOn || group.Key.Name.Contains(ScenarioName.CacheOff, StringComparison.Ordinal) ? "" : " (cache off)";
            page.Cell(group.Key.Name + cache, DefaultSuite.About(group.Key.Name), "name");
            foreach ((_, Func<IEnumerable<ScenarioResult>, string> cell) in columns) page.Cell(cell(group));
            page.EndRow();
        }

        page.EndTable();
        page.EndSection();
    }

    /// <summary>Captures: what became of each packet of one pass, with a sentence per reason and what would help.</summary>
    public static void FirstPasses(HtmlPage page, ResultsFile results)
    {
        foreach (IGrouping<string, ScenarioResult> capture in results.Scenarios.Where(static r => r.FirstPass is { Count: > 0 }).GroupBy(static r => r.Name))
        {
            ScenarioResult[] rows = [.. capture];
            page.Section($"What became of the packets: {capture.Key}", "One pass with the capture's own clock: each packet once, the shares add up to 100 %. As mergeflow offload stats prints it; mergeflow offload why names the flows.");
            string[] whats = [.. rows.SelectMany(static r => r.FirstPass!.Select(static p => p.Reason)).Distinct().OrderBy(static w => IsReason(w) ? 1 : 0)];
            page.Table($"What became of the packets of {capture.Key}", ["packets that", .. rows.Select(static r => $"offload {r.Offload}")], 1);
            foreach (string what in whats)
            {
                page.Row(IsReason(what) ? "" : "fate");
                page.Cell(what, About(what), "name");
                foreach (ScenarioResult row in rows)
                {
                    int at = row.FirstPass!.ToList().FindIndex(p => p.Reason == what);
                    if (at < 0)
                    {
                        page.Cell("-");
                        continue;
                    }

                    string percent = ShareTable.Percent([.. row.FirstPass!.Select(static p => p.Packets)])[at], bytes = ShareTable.Percent([.. row.FirstPass!.Select(static p => p.Bytes)])[at];
                    page.BarCell(percent, $"{N(row.FirstPass![at].Packets)} packets, {bytes} % of bytes", what == ShareTable.Offloaded ? $"m-{row.Offload}" : "lost");
                }

                page.EndRow();
            }

            page.Row("all");
            page.Cell("all");
            foreach (ScenarioResult row in rows) page.Cell("100.0 %", $"{N(row.FirstPass!.Aggregate(0UL, static (sum, p) => sum + p.Packets))} packets, 100.0 % of bytes");
            page.EndRow();
            page.EndTable();
            page.EndSection();
        }
    }

    /// <summary>Rows that are no captures: why recorded packets were not offloaded in the measured runs.</summary>
    public static void Reasons(HtmlPage page, ResultsFile results)
    {
        ScenarioResult[] rows = [.. results.Scenarios.Where(static r => r.Reasons.Count > 0 && r.FirstPass is null)];
        if (rows.Length == 0) return;
        page.Section("Why not offloaded", "In the measured runs, without warm-up: recorded packets per reason and their share of those that were recorded without a rule; a flow with a lasting reason is recorded once a second.");
        page.Table("Why not offloaded", ["scenario", "offload", "reason", "of these", "packets", "bytes"], 3);
        foreach (ScenarioResult row in rows)
        {
            string[] percent = ShareTable.Percent([.. row.Reasons.Select(static r => r.Packets)]);
            for (int i = 0; i < row.Reasons.Count; i++)
            {
                page.Row(i == 0 ? "first" : "");
                page.Cell(row.Name, css: "name");
                page.Cells(row.Offload, row.Reasons[i].Reason);
                page.BarCell(percent[i], "", "lost");
                page.Cells(N(row.Reasons[i].Packets), N(row.Reasons[i].Bytes));
                page.EndRow();
            }
        }

        page.EndTable();
        page.Raw("<dl class=\"reasons\">\n");
        foreach (string reason in rows.SelectMany(static r => r.Reasons.Select(static x => x.Reason)).Distinct().Where(static r => About(r).Length > 0))
            page.Raw($"<dt>{HtmlPage.E(reason)}</dt><dd>{HtmlPage.E(About(reason))}</dd>\n");
        page.Raw("</dl>\n");
        page.EndSection();
    }

    private static bool IsReason(string what) => Enum.TryParse<OffloadReason>(what, out _);

    /// <summary>What a reason means and what would help; nothing for what is no reason.</summary>
    private static string About(string what)
    {
        if (!Enum.TryParse(what, out OffloadReason reason)) return "";
        return $"{ReasonText.Sentence(reason)} What helps: {ReasonText.Hint(reason, null)}";
    }

    private static ScenarioResult? Row(IEnumerable<ScenarioResult> group, string mode) => group.FirstOrDefault(r => r.Offload == mode);

    private static string Cycles(IEnumerable<ScenarioResult> group, string mode) => Row(group, mode) is { } row ? ResultsTable.Short(row.CyclesPerPacket.Median) : "-";

    private static string Share(IEnumerable<ScenarioResult> group, string mode) => Row(group, mode) is { } row ? $"{Headline.OffloadedText(row)} %" : "-";

    private static string Ratio(IEnumerable<ScenarioResult> group)
        => Row(group, "none") is { } none && Row(group, "soft") is { } soft ? F1(none.CyclesPerPacket.Median / soft.CyclesPerPacket.Median) : "-";

    private static double? Best(IEnumerable<ScenarioResult> group) => group.Where(static r => r.Peer is not null).Max(Headline.TimesPeer);

    private static string F1(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    private static string N(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
