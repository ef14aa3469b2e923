using System.Globalization;
using Mergeflow.Cli;
using Spectre.Console;

namespace Mergeflow.Perf;

/// <summary>Prints a comparison.</summary>
public static class ComparisonTable
{
    /// <summary>One line per row, then one line that sums up.</summary>
    public static void Print(IAnsiConsole console, Comparison comparison)
    {
        TextTable table = new(1, "scenario", "before", "now", "change", "noise", "verdict")
        {
            Title = "cycles/packet, before and now: least, quarter, median, three quarters, most (n = runs)",
            TextHeaders = ["verdict"],
        };

        foreach (ComparisonRow r in comparison.Rows)
        {
            bool both = r.Verdict != Verdict.Unmatched;
            table.AddRow(
                r.Key,
                ComparisonRow.Distribution(r.Old),
                ComparisonRow.Distribution(r.New),
                both ? Signed(r.Change) : "-",
                both ? $"±{(r.Noise * 100).ToString("F1", CultureInfo.InvariantCulture)} %" : "-",
                Text(r));
        }

        table.Write(console);
        foreach (string note in comparison.Notes) console.Profile.Out.Writer.WriteLine($"note     {note}");
        console.Profile.Out.Writer.WriteLine($"verdict  {Summary(comparison)}");
    }

    /// <summary>Verdict in words.</summary>
    public static string Text(ComparisonRow row)
    {
        string word = row.Verdict switch
        {
            Verdict.SameOrBetter => "same or better",
            Verdict.Regression => "REGRESSION",
            Verdict.TooNoisy => "too noisy to tell",
            _ => "",
        };
        return word.Length > 0 && row.Why.Length > 0 ? $"{word}: {row.Why}" : word + row.Why;
    }

    /// <summary>A change in percent, with its sign.</summary>
    public static string Signed(double change) => (change * 100).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + " %";

    private static string Summary(Comparison c) => c.ExitCode switch
    {
        PerfExitCode.Failed => $"{c.Rows.Count(r => r.Verdict == Verdict.Regression)} regressions (threshold {c.Threshold:P0})",
        PerfExitCode.TooNoisy => $"too noisy to tell in {c.Rows.Count(r => r.Verdict == Verdict.TooNoisy)} rows: more or longer runs, or a quieter machine",
        _ => $"same or better (threshold {c.Threshold:P0})",
    };
}
