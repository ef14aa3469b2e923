namespace Mergeflow.Perf;

/// <summary>
/// Measures the stages of the packet path on a warm loop: a run without marks, one with, and again. Reported is the calmest round: the one
/// whose unmarked neighbours differ least. The choice looks at these only, never at the marked run.
/// </summary>
/// <param name="Seconds">Length of a run.</param>
/// <param name="Rounds">Marked runs.</param>
public sealed record StageRunner(double Seconds = 0.2, int Rounds = 5)
{
    private const double WarmupSeconds = 1;

    /// <summary>Runs.</summary>
    /// <param name="loop">Warm.</param>
    /// <param name="oneShot">Every run begins without connections and megaflows and ends with the capture.</param>
    public StageResult Run(PacketLoop loop, bool oneShot)
    {
        // The marked instance of the packet path is code of its own: the compiler has not seen it yet.
        for (double warm = 0; warm < WarmupSeconds; warm += Seconds) Marked(loop, oneShot);
        var rounds = new List<(double Unrest, StageResult Result)>(Rounds);
        double before = Unmarked(loop, oneShot);
        for (int i = 0; i < Rounds; i++)
        {
            IReadOnlyList<StageCycles> stages = Marked(loop, oneShot);
            double after = Unmarked(loop, oneShot);
            rounds.Add((Math.Abs(after - before), new StageResult(stages, stages.Sum(s => s.CyclesPerPacket), (before + after) / 2)));
            before = after;
        }

        return rounds.MinBy(r => r.Unrest).Result;
    }

    private double Unmarked(PacketLoop loop, bool oneShot)
    {
        if (oneShot) loop.Forget();
        return loop.Measure(oneShot ? double.MaxValue : Seconds).CyclesPerPacket;
    }

    private IReadOnlyList<StageCycles> Marked(PacketLoop loop, bool oneShot)
    {
        if (oneShot) loop.Forget();
        return loop.MeasureStages(oneShot ? double.MaxValue : Seconds);
    }
}
