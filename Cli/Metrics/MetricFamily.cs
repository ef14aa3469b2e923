using System.Diagnostics.Metrics;

namespace Mergeflow.Cli;

/// <summary>What OpenMetrics calls a family: one instrument under its name there, with its series.</summary>
internal sealed class MetricFamily
{
    private readonly Dictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);

    /// <param name="instrument">Named and described in <c>docs/telemetry.md</c>.</param>
    public MetricFamily(Instrument instrument)
    {
        Type = instrument switch
        {
            ObservableCounter<long> or Counter<long> => "counter",
            Histogram<double> => "histogram",
            _ => "gauge",
        };
        Unit = instrument.Unit switch
        {
            "By" => "bytes",
            "s" => "seconds",
            _ => "",
        };
        string name = instrument.Name.Replace('.', '_');
        Name = Unit.Length == 0 || name.EndsWith("_" + Unit, StringComparison.Ordinal) ? name : $"{name}_{Unit}";
        Help = instrument.Description ?? "";
    }

    /// <summary>Without the suffixes of its samples; ends with the unit if it has one.</summary>
    public string Name { get; }

    /// <summary><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</summary>
    public string Type { get; }

    /// <summary><c>bytes</c>, <c>seconds</c>, or empty.</summary>
    public string Unit { get; }

    /// <summary>One sentence.</summary>
    public string Help { get; }

    /// <summary>In the order in which they came up.</summary>
    public IReadOnlyCollection<MetricSeries> Series => _series.Values;

    /// <summary>The series of these tags.</summary>
    public MetricSeries this[ReadOnlySpan<KeyValuePair<string, object?>> tags]
    {
        get
        {
            List<(string Name, string Value)> labels = new(tags.Length);
            foreach ((string name, object? value) in tags) labels.Add((name, Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? ""));
            labels.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
            string key = OpenMetricsText.Labels(labels);
            if (!_series.TryGetValue(key, out MetricSeries? series)) _series.Add(key, series = new MetricSeries(labels));
            return series;
        }
    }
}
