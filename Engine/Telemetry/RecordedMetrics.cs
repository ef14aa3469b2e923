using System.Diagnostics.Metrics;

namespace Mergeflow.Engine.Telemetry;

/// <summary>The meter <c>Mergeflow</c>, and what is recorded where it happens: how long things took, what failed. What can be read afterwards is in <c>DatapathMetrics</c>.</summary>
public static class RecordedMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Mergeflow";

    /// <summary>The meter of all instruments.</summary>
    internal static readonly Meter Meter = new(MeterName, "1");

    /// <summary>Time that upcalls took, seconds.</summary>
    private static readonly Histogram<double> s_upcallSeconds = Meter.CreateHistogram<double>("mergeflow.upcall.duration", "s", "Translation of a miss and installation of its megaflow");

    /// <summary>Time from the recorded packet to the confirmed rule, seconds.</summary>
    private static readonly Histogram<double> s_installSeconds = Meter.CreateHistogram<double>("mergeflow.offload.install.duration", "s", "From the recorded packet to the confirmed rule, on the runtime's clock");

    /// <summary>Failures of pollers.</summary>
    private static readonly Counter<long> s_pollerFailures = Meter.CreateCounter<long>("mergeflow.poller.failures", "{failure}", "Exceptions that ended a step of a poller");

    /// <summary>Whether upcalls have to be timed.</summary>
    internal static bool TimesUpcalls => s_upcallSeconds.Enabled;

    /// <summary>An upcall took so long.</summary>
    internal static void Upcall(long durationNs) => s_upcallSeconds.Record(durationNs / 1e9);

    /// <summary>A rule was confirmed so long after its packet.</summary>
    internal static void Installed(int datapath, long latencyMs)
    {
        if (s_installSeconds.Enabled) s_installSeconds.Record(latencyMs / 1e3, new KeyValuePair<string, object?>("datapath", datapath));
    }

    /// <summary>A poller has thrown.</summary>
    internal static void PollerFailed(PollerFailure failure)
        => s_pollerFailures.Add(1, new KeyValuePair<string, object?>("datapath", failure.DatapathId), new KeyValuePair<string, object?>("poller", failure.Poller));
}
