namespace Mergeflow.Perf;

/// <summary>Turns measured runs into a row.</summary>
public static class ScenarioResultBuilder
{
    /// <summary>A row under the name of <paramref name="spec"/>.</summary>
    /// <param name="spec">What was asked for.</param>
    /// <param name="workload">What was replayed.</param>
    /// <param name="result">What was measured.</param>
    public static ScenarioResult Build(ScenarioSpec spec, Workload workload, BenchResult result)
    {
        PmdStats total = result.TotalStats();
        ulong nicHits = Sum(result.Runs.Select(r => r.NicHits));
        ulong packets = Sum(result.Runs.Select(r => r.Packets));
        return new ScenarioResult
        {
            Name = spec.Name,
            Offload = ScenarioSpec.Text(spec.Settings.Offload),
            CacheOn = spec.Settings.CacheOn,
            OneShot = spec.Settings.OneShot,
            NicProfile = spec.Settings.Offload == OffloadMode.Nic ? spec.Settings.NicProfile ?? "ideal" : null,
            PacketsPerSecond = Spread.Of(result.Runs.Select(r => r.PacketsPerSecond)),
            NsPerPacket = Spread.Of(result.Runs.Select(r => r.PacketsPerSecond == 0 ? 0 : 1e9 / r.PacketsPerSecond)),
            CyclesPerPacket = Spread.Of(result.Runs.Select(r => r.CyclesPerPacket)),
            DeviceCyclesPerPacket = spec.Settings.Offload == OffloadMode.Nic ? Ratio(Sum(result.Runs.Select(r => r.DeviceCycles)), packets) : null,
            Tiers = TierShares.Of(total, nicHits, packets),
            PassesPerPacket = Ratio(total.Passes, packets),
            SubtablesPerSearch = Ratio(total.SubtablesProbed, total.MegaflowHits + total.Upcalls),
            TxPerRx = Ratio(Sum(result.Runs.Select(r => r.Transmitted)), packets),
            AllocatedBytes = result.Runs.Sum(r => r.AllocatedBytes),
            Collections = result.Runs.Sum(r => r.Collections),
            Datapath = result.Datapath,
            Megaflows = result.Megaflows,
            Connections = result.Connections,
            OffloadedRules = result.OffloadedRules,
            HugePages = result.HugePages.ToString().ToLowerInvariant(),
            Cpu = result.PinnedCpu,
            Runs = [.. result.Runs.Select(r => new RunResult(r.Packets, r.Seconds, r.CyclesPerPacket, r.CpuShare))],
            Reasons = result.Reasons,
            ConnectionsPerSecond = workload.ConnectionCount > 0 ? Spread.Of(result.Runs.Select(r => r.PacketsPerSecond * workload.ConnectionCount / workload.Frames.Count)) : null,
            Rates = result.Rates,
            Ramp = result.Ramp,
            Nic = result.Nic,
            Churn = result.Churn,
            Stages = result.Stages,
            BatchLatency = result.BatchLatency,
            Peer = result.Peer,
        };
    }

    private static ulong Sum(IEnumerable<ulong> values) => values.Aggregate(0UL, (a, b) => a + b);

    private static double Ratio(ulong a, ulong b) => b == 0 ? 0 : (double)a / b;
}
