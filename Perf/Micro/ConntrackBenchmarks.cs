using BenchmarkDotNet.Attributes;

namespace Mergeflow.Perf;

/// <summary><c>ct()</c> on packets of established connections: find, check, update, write the state into the key.</summary>
public class ConntrackBenchmarks
{
    private MicroBench _bench = null!;
    private long _nowMs;

    /// <summary>Connections in the table.</summary>
    [Params("1k", "10k", "100k")]
    public string Connections { get; set; } = "1k";

    [GlobalSetup]
    public void Setup()
    {
        _bench = MicroBench.Warm($"s4_udp_{Connections}_uni", OffloadMode.None);
        _nowMs = Environment.TickCount64;
    }

    [GlobalCleanup]
    public void Cleanup() => _bench.Dispose();

    [Benchmark(OperationsPerInvoke = MicroBench.PacketCount)]
    public int CtEstablished() => _bench.Steps.Track(_bench.Loop!.Datapath.Conntrack.ForThread(0), default, _nowMs);
}
