using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class BatchLatencyTests
{
    [Fact]
    public void EveryBatchIsTimedAndThePacketThreadAllocatesNothing()
    {
        ScenarioSpec spec = ScenarioSpec.Named("s2_1k_uni", new BenchSettings { Runs = 1, Seconds = 0.02, WarmupSeconds = 0.1, BatchLatency = new BatchLatencyRunner(0.1) });
        ScenarioResult row = ScenarioResultBuilder.Build(spec, spec.Make(), new ScenarioRunner(spec.Make(), spec.Settings).Run());
        BatchLatency batches = Assert.IsType<BatchLatency>(row.BatchLatency);
        Assert.Equal(batches.Packets, batches.Batches * 32);
        Assert.InRange(batches.P50Ns, 1, batches.P99Ns);
        Assert.InRange(batches.P9999Ns, batches.P999Ns, batches.MaxNs);

        // The batches fill the whole time: nothing between them is left out.
        Assert.InRange(batches.Seconds, 0.1, double.MaxValue);
        Assert.True(batches.P50Ns * batches.Batches <= 1.1e9 * batches.Seconds);
        Assert.Equal(0, batches.AllocatedBytes);
    }
}
