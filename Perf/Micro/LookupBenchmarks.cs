using BenchmarkDotNet.Attributes;

namespace Mergeflow.Perf;

/// <summary>Exact-match cache and one megaflow subtable, every probe a hit.</summary>
public class LookupBenchmarks
{
    private MicroBench _bench = null!;
    private ExactMatchCache _cache = null!;
    private DpclsSubtable _exact = null!;
    private DpclsSubtable _wide = null!;

    [GlobalSetup]
    public void Setup()
    {
        _bench = MicroBench.Packets("s2_1k_uni");
        _cache = new ExactMatchCache();
        _bench.Steps.Fill(_cache);
        _exact = new DpclsSubtable(ref Mask(prefixBits: 32).Value);
        _wide = new DpclsSubtable(ref Mask(prefixBits: 24).Value);
        _bench.Steps.Fill(_exact);
        _bench.Steps.Fill(_wide);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _cache.Dispose();
        _exact.Dispose();
        _wide.Dispose();
        _bench.Dispose();
    }

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public int EmcProbe() => _bench.Steps.Probe(_cache);

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public int SubtableProbeManyFlows() => _bench.Steps.Probe(_exact);

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public int SubtableProbeFewFlows() => _bench.Steps.Probe(_wide);

    private static MaskHolder Mask(int prefixBits)
    {
        var mask = new MaskHolder();
        mask.Value.NwDst = Native.Be32.FromHost(uint.MaxValue << (32 - prefixBits));
        if (prefixBits == 32) mask.Value.NwSrc = Native.Be32.FromHost(uint.MaxValue);
        mask.Value.DlType = Native.Be16.FromHost(ushort.MaxValue);
        return mask;
    }

    private sealed class MaskHolder
    {
        public FlowKey Value;
    }
}
