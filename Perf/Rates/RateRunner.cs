using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>Measures no-drop rate, partial drop rate, and latency below the no-drop rate.</summary>
/// <param name="RingSize">Descriptors of the receive ring.</param>
/// <param name="TrialSeconds">Length of a trial.</param>
/// <param name="PartialDropPercent">Loss that the partial drop rate tolerates.</param>
public sealed record RateRunner(int RingSize, double TrialSeconds, double PartialDropPercent)
{
    private static readonly double[] s_loads = [10, 50, 90];

    /// <summary>Runs on a loop that is warm.</summary>
    /// <param name="loop">Connections established, rules installed.</param>
    /// <param name="highest">Rate without pacing, packets/s.</param>
    /// <param name="report">Takes what is going on.</param>
    public RateResult Run(PacketLoop loop, double highest, Action<string> report)
    {
        var search = new RateSearch(rate => loop.MeasureAt(rate, TrialSeconds, RingSize, null));
        report("no-drop rate");
        double noDrop = search.Find(highest, 0).PacketsPerSecond;
        report("partial drop rate");
        double partial = Math.Max(noDrop, search.Find(highest, PartialDropPercent / 100).PacketsPerSecond);
        var histogram = new LatencyHistogram();
        var latency = new List<LatencyAt>();
        foreach (double load in s_loads)
        {
            if (noDrop == 0) break;
            report($"latency at {load:F0} %");
            histogram.Clear();
            double rate = noDrop * load / 100;
            RateTrial trial = loop.MeasureAt(rate, TrialSeconds, RingSize, histogram);
            latency.Add(new LatencyAt(load, rate, Ns(0.5), Ns(0.9), Ns(0.99), Ns(0.999), Ns(0.9999), TscClock.ToNs(histogram.Max), trial.Dropped));
        }

        return new RateResult(noDrop, partial, PartialDropPercent, RingSize, TrialSeconds, search.TrialCount, latency);

        double Ns(double part) => TscClock.ToNs(histogram.Percentile(part));
    }
}
