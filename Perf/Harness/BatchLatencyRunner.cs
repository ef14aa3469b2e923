using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>Measures the time of each batch on a warm loop that always has packets.</summary>
/// <param name="Seconds">How long.</param>
public sealed record BatchLatencyRunner(double Seconds)
{
    private const double WarmupSeconds = 1;

    /// <summary>Runs.</summary>
    /// <param name="loop">Warm.</param>
    public BatchLatency Run(PacketLoop loop)
    {
        var histogram = new LatencyHistogram();
        loop.MeasureBatches(WarmupSeconds, histogram);
        histogram.Clear();
        BenchRun run = loop.MeasureBatches(Seconds, histogram);
        return new BatchLatency(run.Seconds, run.Packets, histogram.Count, Ns(histogram.Percentile(0.5)), Ns(histogram.Percentile(0.99)), Ns(histogram.Percentile(0.999)),
            Ns(histogram.Percentile(0.9999)), Ns(histogram.Max), run.AllocatedBytes, run.Collections, run.CpuShare);
    }

    private static double Ns(ulong cycles) => cycles * 1e9 / TscClock.FrequencyHz;
}
