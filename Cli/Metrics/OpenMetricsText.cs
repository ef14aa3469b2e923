using System.Globalization;
using System.Text;

namespace Mergeflow.Cli;

/// <summary>The text format of OpenMetrics 1.0.</summary>
internal static class OpenMetricsText
{
    /// <summary>What HTTP calls it.</summary>
    public const string ContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// <summary>All families, the program's version first, and the end mark.</summary>
    public static string Write(IEnumerable<MetricFamily> families)
    {
        StringBuilder text = new();
        Head(text, "mergeflow_build", "info", "", "The program");
        Sample(text, "mergeflow_build_info", [("commit", ProgramVersion.Commit ?? ""), ("version", ProgramVersion.Number)], 1);
        foreach (MetricFamily family in families.Where(static f => f.Series.Count > 0))
        {
            Head(text, family.Name, family.Type, family.Unit, family.Help);
            foreach (MetricSeries series in family.Series)
            {
                if (family.Type == "histogram") Distribution(text, family.Name, series);
                else Sample(text, family.Type == "counter" ? $"{family.Name}_total" : family.Name, series.Labels, series.Value);
            }
        }

        return text.Append("# EOF\n").ToString();
    }

    /// <summary>Labels in braces; nothing if there are none.</summary>
    public static string Labels(IReadOnlyList<(string Name, string Value)> labels)
        => labels.Count == 0 ? "" : $"{{{string.Join(',', labels.Select(static l => $"{l.Name}=\"{Escape(l.Value)}\""))}}}";

    /// <summary>Backslash, quote and line feed, as label values and help have them.</summary>
    public static string Escape(string text)
        => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static void Head(StringBuilder text, string name, string type, string unit, string help)
    {
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
        if (unit.Length > 0) text.Append(CultureInfo.InvariantCulture, $"# UNIT {name} {unit}\n");
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {Escape(help)}.\n");
    }

    private static void Distribution(StringBuilder text, string name, MetricSeries series)
    {
        long count = 0;
        for (int i = 0; i < series.Counts.Length; i++)
        {
            count += series.Counts[i];
            string bound = i == MetricSeries.Bounds.Length ? "+Inf" : Number(MetricSeries.Bounds[i]);
            Sample(text, $"{name}_bucket", [.. series.Labels, ("le", bound)], count);
        }

        Sample(text, $"{name}_count", series.Labels, count);
        Sample(text, $"{name}_sum", series.Labels, series.Sum);
    }

    private static void Sample(StringBuilder text, string name, IReadOnlyList<(string Name, string Value)> labels, double value)
        => text.Append(name).Append(Labels(labels)).Append(' ').Append(Number(value)).Append('\n');

    /// <summary>As the canonical form has it: a whole number of a bound keeps a point.</summary>
    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
