using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The stage clock changes nothing but the time, and accounts for all of it.</summary>
[Collection("Alone")]
public sealed class StageTests
{
    private const string Flows = """
        table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1)
        table=1,priority=10,ip,ct_state=+trk+new,actions=ct(commit),output:2
        table=1,priority=10,ip,ct_state=+trk+est,actions=mod_dl_dst:02:00:00:00:00:09,dec_ttl,output:2
        table=0,priority=5,arp,actions=output:3
        table=0,priority=0,actions=drop
        """;

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    public void The_marked_packet_path_does_the_same(OffloadMode offload)
    {
        const int polls = 5000;
        using var plain = new PacketTestBed(Flows, offload, cacheOn: true);
        using var marked = new PacketTestBed(Flows, offload, cacheOn: true);
        using StagePoller poller = marked.Staged();
        poller.Times.Start();
        int received = 0;
        for (int i = 0; i < polls; i++) received += poller.Step(1);
        plain.Run(received);
        Assert.Equal(plain.Stats, marked.Stats);
        Assert.Equal(((ulong)polls, (ulong)(polls - (polls / StageTimes.FinePeriod))), (poller.Times.Polls, poller.Times.CoarsePolls));
    }

    [Fact]
    public void The_stages_add_up_to_the_time_that_passed()
    {
        using var bed = new PacketTestBed(Flows, OffloadMode.None, cacheOn: true);
        using StagePoller poller = bed.Staged();
        for (int i = 0; i < 20_000; i++) poller.Step(1);
        poller.Times.Start();
        ulong start = TscClock.Now;
        for (int i = 0; i < 20_000; i++) poller.Step(1);
        double passed = (TscClock.Now - start) * ((double)poller.Times.CoarsePolls / poller.Times.Polls);
        double[] cycles = poller.Times.Cycles();

        // The rest is half the cost of the marks, and what the finely marked batches take longer.
        Assert.InRange(cycles.Sum() / passed, 0.7, 1.05);
        foreach (PmdStage stage in new[] { PmdStage.Receive, PmdStage.Parse, PmdStage.Emc, PmdStage.Conntrack, PmdStage.Actions, PmdStage.Transmit })
            Assert.True(cycles[(int)stage] > 0, $"{stage} took no time");
        foreach (PmdStage stage in new[] { PmdStage.Merged, PmdStage.Upcall, PmdStage.Record })
            Assert.True(cycles[(int)stage] == 0, $"{stage} took time, but there was none of it");
    }

    [Fact]
    public void The_stages_of_a_scenario_agree_with_its_cycles()
    {
        var settings = new BenchSettings { Seconds = 0.05, Runs = 1, WarmupSeconds = 0.5, Retries = 0, Stages = new StageRunner(0.05, 3) };
        ScenarioSpec spec = ScenarioSpec.Named("s2_1k_uni", settings);
        Workload workload = spec.Make();
        BenchResult result = new ScenarioRunner(workload, spec.Settings, null, TestContext.Current.CancellationToken).Run();
        ScenarioResult row = ScenarioResultBuilder.Build(spec, workload, result);
        StageResult stages = row.Stages!;
        Assert.Equal(stages.SumCyclesPerPacket, stages.Stages.Sum(s => s.CyclesPerPacket), 6);
        Assert.Contains(stages.Stages, s => s.Stage == "parse");

        // Wide: other work may be on the processor while this runs. The harness prints the exact deviation.
        Assert.InRange(stages.SumCyclesPerPacket / stages.TotalCyclesPerPacket, 0.5, 2);
        string page = HtmlReport.Write(SampleResults.File(row), null);
        Assert.Contains("Where the cycles go", page);
        Assert.Contains("parse", page);
    }
}
