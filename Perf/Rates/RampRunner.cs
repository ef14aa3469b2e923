namespace Mergeflow.Perf;

/// <summary>Deletes all merged rules and watches them come back, window by window.</summary>
/// <param name="Seconds">How long.</param>
/// <param name="WindowMs">Length of a window, ms.</param>
public sealed record RampRunner(double Seconds, double WindowMs)
{
    /// <summary>Runs on a loop that is warm: what is measured is the offload, not the compiler.</summary>
    public IReadOnlyList<RampPoint> Run(PacketLoop loop)
    {
        loop.ForgetMegaflows();
        ulong before = loop.OffloadedRules;
        var points = new List<RampPoint>((int)(Seconds * 1000 / WindowMs) + 2);
        for (double ms = 0; ms < Seconds * 1000;)
        {
            BenchRun run = loop.Measure(WindowMs / 1000);
            ms += run.Seconds * 1000;
            double offloaded = run.Packets == 0 ? 0 : 100.0 * (run.NicHits + run.Stats.MergedHits) / run.Packets;
            points.Add(new RampPoint(ms, run.PacketsPerSecond, offloaded, loop.OffloadedRules - before, TierShares.Of(run.Stats, run.NicHits, run.Packets)));
        }

        return points;
    }
}
