namespace Mergeflow.Perf;

/// <summary>
/// Finds the highest rate at which at most a given part of the packets is lost (RFC 2544 throughput; NDR: none, PDR: a little), by halving.
/// </summary>
/// <param name="trial">Runs one trial at a rate, packets/s.</param>
/// <param name="precision">Width of the last interval, as a part of the highest rate.</param>
public sealed class RateSearch(Func<double, RateTrial> trial, double precision = 0.01)
{
    private const int MaxRepeats = 2;

    /// <summary>Trials so far.</summary>
    public int TrialCount { get; private set; }

    /// <summary>Searches.</summary>
    /// <param name="highest">A rate above which nothing is to be expected.</param>
    /// <param name="maxLoss">Part that may be lost, 0 for the no-drop rate.</param>
    /// <returns>The best trial that passed; a rate of 0 if none did.</returns>
    public RateTrial Find(double highest, double maxLoss)
    {
        RateTrial best = default;
        double low = 0;
        double high = highest;
        RateTrial top = Try(highest, maxLoss);
        if (top.Loss <= maxLoss) return top;
        while (high - low > precision * highest)
        {
            double rate = (low + high) / 2;
            RateTrial t = Try(rate, maxLoss);
            if (t.Loss <= maxLoss) (low, best) = (rate, t);
            else high = rate;
        }

        return best;
    }

    /// <summary>A trial that lost packets while other work was on the processor says nothing about this program: it is repeated.</summary>
    private RateTrial Try(double rate, double maxLoss)
    {
        RateTrial t = default;
        for (int i = 0; i <= MaxRepeats; i++)
        {
            TrialCount++;
            t = trial(rate);
            if (t.Loss <= maxLoss || t.CpuShare >= BenchRun.QuietShare) break;
        }

        return t;
    }
}
