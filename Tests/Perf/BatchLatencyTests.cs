using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class BatchLatencyTests
{
    [Fact]
    public void Every_batch_is_timed_and_the_packet_thread_allocates_nothing()
    {
        ScenarioSpec spec = ScenarioSpec.Named("s2_1k_uni", new BenchSettings { Runs = 1, Seconds = 0.02, WarmupSeconds = 0.1, BatchLatency = new BatchLatencyRunner(0.1) });
        ScenarioResult row = ScenarioResultBuilder.Build(spec, spec.Make(), new ScenarioRunner(spec.Make(), spec.Settings).Run());
        BatchLatency batches = Assert.IsType<BatchLatency>(row.BatchLatency);
        Assert.Equal(batches.Packets, batches.Batches * 32);
        Assert.InRange(batches.P50Ns, 1, batches.P99Ns);
        Assert.InRange(batches.P9999Ns, batches.P999Ns, batches.MaxNs);

        Assert.True(batches.Seconds > 0);
        Assert.Equal(0, batches.AllocatedBytes);
    }

    /// <summary>The batches fill the whole time: each reading of the clock but the first and last is the end of one.</summary>
    [Fact]
    public void Nothing_between_the_batches_is_left_out()
    {
        const ulong ticksPerRead = 50;
        const int readings = 100_000;
        ScenarioSpec spec = ScenarioSpec.Named("s2_1k_uni", new BenchSettings());
        Workload workload = spec.Make();
        var clock = new CountedClock(ticksPerRead);
        using var loop = new PacketLoop(workload, spec.Settings, null, TestContext.Current.CancellationToken) { Clock = clock.Read };
        loop.Replay(workload.Setup);
        var histogram = new LatencyHistogram();
        BenchRun run = loop.MeasureBatches(readings * ticksPerRead / TscClock.FrequencyHz, histogram);
        Assert.InRange(histogram.Count, (ulong)readings - 1, (ulong)readings + 64);
        Assert.Equal((ticksPerRead, ticksPerRead), (histogram.Percentile(0), histogram.Max));
        Assert.Equal((histogram.Count + 2) * ticksPerRead, run.Cycles);
        Assert.Equal(histogram.Count * 32, run.Packets);
    }
}
