using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>Tables of the report that hold every figure.</summary>
internal static class HtmlTables
{
    private static readonly string[] s_names = ["scenario", "offload"];

    private static readonly string[] s_speed = [.. s_names, "Mpps", "ns/packet", "cycles/packet", "min", "max", "of it device", "tx/rx", "alloc B", "GC"];

    private static readonly string[] s_where =
        [.. s_names, "NIC %", "merged %", "EMC %", "megaflow %", "upcall %", "passes", "subtables", "megaflows", "connections", "rules"];

    /// <summary>Everything, in two tables that fit a page.</summary>
    public static void Rows(HtmlPage page, ResultsFile results)
    {
        page.Section("All figures: speed", "Medians over the runs; min and max: cycles per packet of single runs; of it device: what the emulation of the NIC takes.");
        Table(page, results, "Speed per row", s_speed, r =>
        [
            ResultsTable.Short(r.PacketsPerSecond.Median / 1e6), ResultsTable.Short(r.NsPerPacket.Median), ResultsTable.Short(r.CyclesPerPacket.Median),
            ResultsTable.Short(r.CyclesPerPacket.Min), ResultsTable.Short(r.CyclesPerPacket.Max), r.DeviceCyclesPerPacket is double device ? ResultsTable.Short(device) : "-",
            F(r.TxPerRx, "F3"), F(r.AllocatedBytes, "N0"), F(r.Collections, "N0"),
        ]);
        page.Section("All figures: lookups", "Passes: through the tables per packet; subtables: probed per megaflow search; rules: merged rules installed.");
        Table(page, results, "Lookups per row", s_where, r =>
        [
            ResultsTable.Percent(r.Tiers.Nic), ResultsTable.Percent(r.Tiers.Merged), ResultsTable.Percent(r.Tiers.Emc), ResultsTable.Percent(r.Tiers.Megaflow), ResultsTable.Percent(r.Tiers.Upcall),
            F(r.PassesPerPacket, "F2"), F(r.SubtablesPerSearch, "F2"), F(r.Megaflows, "N0"), F(r.Connections, "N0"), F(r.OffloadedRules, "N0"),
        ]);
    }

    /// <summary>Against a baseline.</summary>
    public static void Comparison(HtmlPage page, Comparison comparison)
    {
        page.Section("Against the baseline", $"Cycles per packet of the runs: least, quarter, median, three quarters, most. A slowdown of more than {comparison.Threshold * 100:F0} % counts. {string.Join(' ', comparison.Notes)}".TrimEnd());
        page.Table("Against the baseline", ["scenario", "before", "now", "change", "noise", "verdict"], 1);
        foreach (ComparisonRow r in comparison.Rows)
        {
            page.Row();
            page.Cells(r.Key, ComparisonRow.Distribution(r.Old), ComparisonRow.Distribution(r.New));
            if (r.Verdict == Verdict.Unmatched) page.Cells("-", "-");
            else page.Cells(ComparisonTable.Signed(r.Change), $"±{F(r.Noise * 100, "F1")} %");
            page.Cell(ComparisonTable.Text(r), css: r.Verdict switch { Verdict.SameOrBetter => "good", Verdict.Regression => "bad", _ => "unsure" });
            page.EndRow();
        }

        page.EndTable();
        page.EndSection();
    }

    /// <summary>A table of cells that are text already.</summary>
    public static void Plain(HtmlPage page, string title, string about, string[] headers, int textColumns, IReadOnlyList<string[]> rows)
    {
        page.Section(title, about);
        page.Table(title, headers, textColumns);
        foreach (string[] row in rows)
        {
            page.Row();
            page.Cells(row);
            page.EndRow();
        }

        page.EndTable();
        page.EndSection();
    }

    /// <summary>Machine, runtime, command line, notes.</summary>
    public static void Machine(HtmlPage page, ResultsFile results)
    {
        page.Section("Measured on", "");
        page.Raw("<dl>\n");
        foreach ((string name, string value) in ResultsTable.MachineLines(results)) Entry(name, HtmlPage.E(value));
        Entry("command", $"<code>./run-perf.sh {HtmlPage.E(string.Join(' ', results.Arguments))}</code>");
        foreach (ScenarioResult r in results.Scenarios.Where(r => r.OutputSha256 is not null))
            Entry($"output {RowChart.Label(r)}", $"<code>sha256 {r.OutputSha256}</code> ({r.Frames} frames in)");
        foreach (string note in results.Notes.Where(n => results.Warnings is not null && !results.Warnings.Contains(n))) Entry("note", HtmlPage.E(note));
        page.Raw("</dl>\n");
        page.EndSection();

        void Entry(string name, string html) => page.Raw($"<dt>{HtmlPage.E(name)}</dt><dd>{html}</dd>\n");
    }

    private static void Table(HtmlPage page, ResultsFile results, string caption, string[] headers, Func<ScenarioResult, string[]> cells)
    {
        page.Table(caption, headers, s_names.Length);
        string? scenario = null;
        foreach (ScenarioResult r in results.Scenarios)
        {
            page.Row(scenario is not null && scenario != r.Name ? "first" : "");
            scenario = r.Name;
            page.Cell(r.Name + (r.CacheOn || r.Name.Contains(ScenarioName.CacheOff, StringComparison.Ordinal) ? "" : " (cache off)"), css: "name");
            page.Cell(r.Offload);
            page.Cells(cells(r));
            page.EndRow();
        }

        page.EndTable();
        page.EndSection();
    }

    private static string F(IFormattable value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
