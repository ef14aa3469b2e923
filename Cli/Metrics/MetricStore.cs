using System.Diagnostics.Metrics;

namespace Mergeflow.Cli;

/// <summary>
/// Listens to the meter <c>Mergeflow</c> and keeps the last value of every series: also those of a datapath that is gone, as it was when it went. Reads whenever somebody asks;
/// what is recorded as it happens comes from the threads where it happens.
/// </summary>
internal sealed class MetricStore : IDisposable
{
    /// <summary>One reads at a time. Reading waits for locks of the datapath under which others record: so it never holds the other lock.</summary>
    private readonly Lock _reading = new();

    /// <summary>Around the series; nothing is waited for under it.</summary>
    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);

    /// <summary>A store that listens.</summary>
    public MetricStore()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != RecordedMetrics.MeterName) return;
            MetricFamily family = new(instrument);
            lock (_gate) _families[family.Name] = family;
            listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<long>(Take);
        _listener.SetMeasurementEventCallback<double>(Record);
        _listener.Start();
        DatapathMetrics.Leaving += Read;
    }

    /// <summary>All there is, as OpenMetrics text.</summary>
    public string Text()
    {
        Read();
        lock (_gate) return OpenMetricsText.Write(_families.Values);
    }

    public void Dispose()
    {
        DatapathMetrics.Leaving -= Read;
        _listener.Dispose();
    }

    private void Read()
    {
        lock (_reading) _listener.RecordObservableInstruments();
    }

    private void Take(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        lock (_gate)
        {
            MetricSeries series = ((MetricFamily)state!)[tags];
            series.Value = instrument.IsObservable ? value : series.Value + value;
        }
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        lock (_gate) ((MetricFamily)state!)[tags].Record(value);
    }
}
