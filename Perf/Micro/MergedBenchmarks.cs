using BenchmarkDotNet.Attributes;

namespace Mergeflow.Perf;

/// <summary>Merged rules: lookup in the soft device's table, and the merge of a recorded trace of two passes with a connection.</summary>
public class MergedBenchmarks
{
    private const int MergesPerInvoke = 64;

    private MicroBench _bench = null!;
    private PacketLoop _recorded = null!;
    private TraceMerger _merger = null!;
    private Trace _trace = null!;
    private readonly MergedFlow _rule = new();

    [GlobalSetup]
    public void Setup()
    {
        _bench = MicroBench.Warm("s4_udp_10k_uni", OffloadMode.Soft);
        Workload w = WorkloadRecipe.Make("s4_udp_1k_uni");
        _recorded = new PacketLoop(w, new BenchSettings { Offload = OffloadMode.Soft, OffloadThread = false }, null, default);
        _recorded.Replay(w.Setup);
        Datapath datapath = _recorded.Datapath;
        _merger = new TraceMerger(datapath.Megaflows);
        _trace = datapath.Offload!.Pmds[0].Traces.Peek() ?? throw new InvalidOperationException("no trace was recorded");
        if (!_merger.TryMerge(_trace, _rule)) throw new InvalidOperationException($"the trace cannot be merged: {_merger.Refusal.Reason}");
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _recorded.Dispose();
        _bench.Dispose();
    }

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public int MergedTableProbe() => _bench.Steps.Probe(_bench.Loop!.Datapath.Offload!.Pmds[0].Table!);

    [Benchmark(OperationsPerInvoke = MergesPerInvoke)]
    public bool MergeTrace()
    {
        bool merged = true;
        for (int i = 0; i < MergesPerInvoke; i++) merged &= _merger.TryMerge(_trace, _rule);
        return merged;
    }
}
