using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>The runs of one scenario.</summary>
public sealed record BenchResult(string Name, BenchSettings Settings, IReadOnlyList<BenchRun> Runs)
{
    /// <summary>What the datapath was made of.</summary>
    public DatapathInfo? Datapath { get; init; }

    /// <summary>Megaflows at the end.</summary>
    public int Megaflows { get; init; }

    /// <summary>Connections at the end.</summary>
    public int Connections { get; init; }

    /// <summary>Merged rules installed over the whole scenario.</summary>
    public ulong OffloadedRules { get; init; }

    /// <summary>Packets not offloaded, by reason.</summary>
    public IReadOnlyList<ReasonCount> Reasons { get; init; } = [];

    /// <summary>Backing of the receive ring.</summary>
    public HugePageKind HugePages { get; init; }

    /// <summary>Processor of the packet thread, if it could be pinned.</summary>
    public int? PinnedCpu { get; init; }

    /// <summary>Runs that were repeated because other work was on the processor.</summary>
    public int Repeated { get; init; }

    /// <summary>No-drop rate and latency, if they were asked for.</summary>
    public RateResult? Rates { get; init; }

    /// <summary>How the offload took over, if that was asked for.</summary>
    public IReadOnlyList<RampPoint>? Ramp { get; init; }

    /// <summary>How full the NIC was, with offload <c>nic</c>.</summary>
    public NicOccupancy? Nic { get; init; }

    /// <summary>What changes of the tables cost, if that was asked for.</summary>
    public ChurnResult? Churn { get; init; }

    /// <summary>Where the cycles go, if that was asked for.</summary>
    public StageResult? Stages { get; init; }

    /// <summary>Time of the batches, if that was asked for.</summary>
    public BatchLatency? BatchLatency { get; init; }

    /// <summary>The other switch in turn with these runs, if there is one.</summary>
    public PeerResult? Peer { get; init; }

    /// <summary>Median run by cycles per packet.</summary>
    public BenchRun Median => Runs.OrderBy(r => r.CyclesPerPacket).ElementAt(Runs.Count / 2);

    /// <summary>Sum of the counters of all runs.</summary>
    public PmdStats TotalStats()
    {
        PmdStats sum = default;
        foreach (BenchRun run in Runs)
        {
            // a - (0 - b) = a + b, member by member.
            sum = sum.Since(default(PmdStats).Since(run.Stats));
        }

        return sum;
    }
}
