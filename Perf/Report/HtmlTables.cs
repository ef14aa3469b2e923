using System.Globalization;
using System.Text;

namespace Mergeflow.Perf;

/// <summary>Tables of the report.</summary>
internal static class HtmlTables
{
    private static readonly string[] s_headers =
    [
        "scenario", "offload", "Mpps", "ns/packet", "cycles/packet", "min", "max", "of it device", "NIC %", "merged %", "EMC %", "megaflow %", "upcall %", "passes", "subtables",
        "tx/rx", "alloc B", "GC", "megaflows", "connections", "rules",
    ];

    /// <summary>Everything, one line per row.</summary>
    public static void Rows(StringBuilder page, ResultsFile results)
    {
        Open(page, "All figures", "Medians over the runs; passes: through the tables per packet; subtables: probed per megaflow search; rules: merged rules installed.", s_headers, 2);
        string? scenario = null;
        foreach (ScenarioResult r in results.Scenarios)
        {
            page.Append(scenario is not null && scenario != r.Name ? "<tr class=\"first\">" : "<tr>");
            scenario = r.Name;
            string about = DefaultSuite.About(r.Name);
            page.Append($"<td class=\"t\"{(about.Length > 0 ? $" title=\"{HtmlReport.E(about)}\"" : "")}>{HtmlReport.E(r.Name)}{(r.CacheOn || r.Name.Contains(ScenarioName.CacheOff, StringComparison.Ordinal) ? "" : " (cache off)")}</td><td class=\"t\">{r.Offload}</td>");
            Cells(page,
                ResultsTable.Short(r.PacketsPerSecond.Median / 1e6), ResultsTable.Short(r.NsPerPacket.Median), ResultsTable.Short(r.CyclesPerPacket.Median),
                ResultsTable.Short(r.CyclesPerPacket.Min), ResultsTable.Short(r.CyclesPerPacket.Max), r.DeviceCyclesPerPacket is double device ? ResultsTable.Short(device) : "-",
                ResultsTable.Percent(r.Tiers.Nic), ResultsTable.Percent(r.Tiers.Merged), ResultsTable.Percent(r.Tiers.Emc), ResultsTable.Percent(r.Tiers.Megaflow), ResultsTable.Percent(r.Tiers.Upcall),
                F(r.PassesPerPacket, "F2"), F(r.SubtablesPerSearch, "F2"), F(r.TxPerRx, "F3"), F(r.AllocatedBytes, "N0"), F(r.Collections, "N0"), F(r.Megaflows, "N0"), F(r.Connections, "N0"), F(r.OffloadedRules, "N0"));
        }

        Close(page);
    }

    /// <summary>What the scenarios are.</summary>
    public static void Scenarios(StringBuilder page, ResultsFile results)
    {
        string[] names = [.. results.Scenarios.Select(r => r.Name).Distinct().Where(n => DefaultSuite.About(n).Length > 0)];
        if (names.Length == 0) return;
        page.Append("<section>\n<h2>Scenarios</h2>\n<dl>\n");
        foreach (string name in names) page.Append($"<dt>{HtmlReport.E(name)}</dt><dd>{HtmlReport.E(DefaultSuite.About(name))}</dd>\n");
        page.Append("</dl>\n</section>\n");
    }

    /// <summary>Against a baseline.</summary>
    public static void Comparison(StringBuilder page, Comparison comparison)
    {
        Open(page, "Against the baseline", $"Cycles per packet of the runs: least, quarter, median, three quarters, most. A slowdown of more than {comparison.Threshold * 100:F0} % counts. {string.Join(' ', comparison.Notes)}", ["scenario", "before", "now", "change", "noise", "verdict"], 1);
        foreach (ComparisonRow r in comparison.Rows)
        {
            string css = r.Verdict switch { Verdict.SameOrBetter => "good", Verdict.Regression => "bad", _ => "unsure" };
            page.Append($"<tr><td class=\"t\">{HtmlReport.E(r.Key)}</td>");
            page.Append($"<td>{HtmlReport.E(ComparisonRow.Distribution(r.Old))}</td><td>{HtmlReport.E(ComparisonRow.Distribution(r.New))}</td>");
            page.Append(r.Verdict == Verdict.Unmatched ? "<td>-</td><td>-</td>" : $"<td>{ComparisonTable.Signed(r.Change)}</td><td>±{F(r.Noise * 100, "F1")} %</td>");
            page.Append($"<td class=\"{css}\">{HtmlReport.E(ComparisonTable.Text(r))}</td></tr>\n");
        }

        Close(page);
    }

    /// <summary>Why packets were not offloaded.</summary>
    public static void Reasons(StringBuilder page, ResultsFile results)
    {
        if (results.Scenarios.All(r => r.Reasons.Count == 0)) return;
        Open(page, "Why not offloaded", "Recorded packets per reason; a flow with a lasting reason is recorded once a second.", ["scenario", "offload", "reason", "packets", "bytes"], 3);
        foreach (ScenarioResult r in results.Scenarios)
        {
            foreach (ReasonCount reason in r.Reasons)
            {
                page.Append($"<tr><td class=\"t\">{HtmlReport.E(r.Name)}</td><td class=\"t\">{r.Offload}</td><td class=\"t\">{HtmlReport.E(reason.Reason)}</td>");
                Cells(page, F(reason.Packets, "N0"), F(reason.Bytes, "N0"));
            }
        }

        Close(page);
    }

    /// <summary>A table of cells that are text already.</summary>
    public static void Plain(StringBuilder page, string title, string[] headers, int textColumns, IReadOnlyList<string[]> rows)
    {
        Open(page, title, "", headers, textColumns);
        foreach (string[] row in rows)
        {
            page.Append("<tr>");
            for (int i = 0; i < row.Length; i++) page.Append($"<td{(i < textColumns ? " class=\"t\"" : "")}>{HtmlReport.E(row[i])}</td>");
            page.Append("</tr>\n");
        }

        Close(page);
    }

    /// <summary>Machine, runtime, command line.</summary>
    public static void Machine(StringBuilder page, ResultsFile results)
    {
        page.Append("<section>\n<h2>Measured on</h2>\n<dl>\n");
        foreach ((string name, string value) in ResultsTable.MachineLines(results)) page.Append($"<dt>{HtmlReport.E(name)}</dt><dd>{HtmlReport.E(value)}</dd>\n");
        page.Append($"<dt>command</dt><dd><code>./run-perf.sh {HtmlReport.E(string.Join(' ', results.Arguments))}</code></dd>\n");
        foreach (ScenarioResult r in results.Scenarios.Where(r => r.OutputSha256 is not null))
            page.Append($"<dt>output {HtmlReport.E(r.Offload)}</dt><dd><code>sha256 {r.OutputSha256}</code> ({r.Frames} frames in)</dd>\n");
        page.Append("</dl>\n</section>\n");
    }

    private static void Open(StringBuilder page, string title, string about, string[] headers, int textColumns)
    {
        page.Append($"<section>\n<h2>{HtmlReport.E(title)}</h2>\n<p class=\"sub\">{HtmlReport.E(about)}</p>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>");
        for (int i = 0; i < headers.Length; i++) page.Append($"<th{(i < textColumns ? " class=\"t\"" : "")}>{HtmlReport.E(headers[i])}</th>");
        page.Append("</tr></thead>\n<tbody>\n");
    }

    private static void Close(StringBuilder page) => page.Append("</tbody></table></div>\n</section>\n");

    private static void Cells(StringBuilder page, params string[] cells)
    {
        foreach (string cell in cells) page.Append($"<td>{HtmlReport.E(cell)}</td>");
        page.Append("</tr>\n");
    }

    private static string F(IFormattable value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
