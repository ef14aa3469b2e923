namespace Mergeflow.Perf;

/// <summary>What the micro-benchmarks share: packets of a workload and, where it takes one, a datapath that has seen them.</summary>
public sealed class MicroBench : IDisposable
{
    /// <summary>Packets per invocation: their descriptors fit the second-level cache.</summary>
    public const int PacketCount = 1024;

    private const double WarmSeconds = 0.3;

    private MicroBench(Workload workload, PacketLoop? loop)
    {
        Frames = [.. workload.Frames.Take(PacketCount)];
        Steps = new PacketPathSteps(Frames, 1);
        Loop = loop;
    }

    /// <summary>The frames.</summary>
    public IReadOnlyList<byte[]> Frames { get; }

    /// <summary>The same, as parsed packets.</summary>
    public PacketPathSteps Steps { get; }

    /// <summary>A datapath that has replayed the workload, or null.</summary>
    public PacketLoop? Loop { get; }

    /// <summary>Packets only.</summary>
    public static MicroBench Packets(string workload) => new(WorkloadRecipe.Make(workload), null);

    /// <summary>Packets, and a datapath in which their connections are established and their merged rules installed.</summary>
    public static MicroBench Warm(string workload, OffloadMode offload)
    {
        Workload w = WorkloadRecipe.Make(workload);
        var loop = new PacketLoop(w, new BenchSettings { Offload = offload, OffloadThread = false }, null, default);
        loop.Replay(w.Setup);
        for (ulong rules = ulong.MaxValue; rules != loop.OffloadedRules;)
        {
            rules = loop.OffloadedRules;
            loop.Measure(WarmSeconds);
        }

        return new MicroBench(w, loop);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Steps.Dispose();
        Loop?.Dispose();
    }
}
