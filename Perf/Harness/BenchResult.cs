namespace Mergeflow.Perf;

/// <summary>The runs of one scenario.</summary>
public sealed record BenchResult(string Name, BenchSettings Settings, IReadOnlyList<BenchRun> Runs, int Megaflows, int Connections, ulong OffloadedRules)
{
    /// <summary>Median run by cycles per packet.</summary>
    public BenchRun Median => Runs.OrderBy(r => r.CyclesPerPacket).ElementAt(Runs.Count / 2);

    /// <summary>Fewest cycles per packet.</summary>
    public double MinCycles => Runs.Min(r => r.CyclesPerPacket);

    /// <summary>Most cycles per packet.</summary>
    public double MaxCycles => Runs.Max(r => r.CyclesPerPacket);
}
