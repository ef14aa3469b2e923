using BenchmarkDotNet.Attributes;

namespace Mergeflow.Perf;

/// <summary>Parsing of untagged IPv4 TCP and UDP frames of 60 bytes, and the hash of a key.</summary>
public class ExtractBenchmarks
{
    private MicroBench _bench = null!;

    [GlobalSetup]
    public void Setup() => _bench = MicroBench.Packets("s2_1k_uni");

    [GlobalCleanup]
    public void Cleanup() => _bench.Dispose();

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public void ExtractVector256() => _bench.Steps.Extract<MiniflowExtractor.Vector256Kernel>();

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public void ExtractScalar() => _bench.Steps.Extract<MiniflowExtractor.ScalarKernel>();

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public ulong KeyedHash() => _bench.Steps.Hash();
}
