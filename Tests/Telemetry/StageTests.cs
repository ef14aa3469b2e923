using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The stage clock changes nothing but the time, and accounts for all of it.</summary>
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

    /// <summary>The clock is counted, and steps unevenly: to the tick, nothing is left out and nothing counted twice.</summary>
    [Fact]
    public void The_stages_add_up_to_the_time_that_passed()
    {
        const ulong markTicks = 10;
        const int polls = 100 * StageTimes.FinePeriod;
        var clock = new CountedClock(markTicks);
        var random = new Random(7);
        bool works = false, firstRead = false;
        ulong first = 0;
        using var bed = new PacketTestBed(Flows, OffloadMode.None, cacheOn: true);
        using StagePoller poller = bed.Staged(() =>
        {
            ulong work = works ? (ulong)random.Next(1000) : 0;
            if (firstRead) first = work + markTicks;
            firstRead = false;
            clock.Pass(work);
            return clock.Read();
        });

        poller.Times.Start();
        Assert.InRange(poller.Times.MarkCycles, markTicks, markTicks * 1.01);
        works = true;
        ulong ticks = 0, marks = 0;
        for (int i = 0; i < polls; i++)
        {
            ulong fromTicks = clock.Ticks, fromReads = clock.Reads, coarse = poller.Times.CoarsePolls;
            firstRead = true;
            poller.Step(1);
            if (poller.Times.CoarsePolls == coarse)
            {
                // Of a batch that is marked packet by packet, only the mark at its begin counts.
                ticks += first;
                marks++;
                continue;
            }

            ticks += clock.Ticks - fromTicks;
            marks += clock.Reads - fromReads;
        }

        // Half the cost of each mark is taken off.
        double[] cycles = poller.Times.Cycles();
        Assert.Equal(polls - 100, (int)poller.Times.CoarsePolls);
        Assert.Equal(ticks - (marks * poller.Times.MarkCycles / 2), cycles.Sum(), 1e-6 * ticks);
        foreach (PmdStage stage in new[] { PmdStage.Receive, PmdStage.Parse, PmdStage.Emc, PmdStage.Conntrack, PmdStage.Actions, PmdStage.Transmit })
            Assert.True(cycles[(int)stage] > 0, $"{stage} took no time");
        foreach (PmdStage stage in new[] { PmdStage.Merged, PmdStage.Upcall, PmdStage.Record })
            Assert.True(cycles[(int)stage] == 0, $"{stage} took time, but there was none of it");
    }

    /// <summary>Per packet: a batch of 32 has a few marks, of which each is worth half of its ten ticks.</summary>
    [Fact]
    public void The_stages_of_a_loop_are_per_packet()
    {
        const int readings = 500_000;
        ScenarioSpec spec = ScenarioSpec.Named("s2_1k_uni", new BenchSettings());
        Workload workload = spec.Make();
        var clock = new CountedClock(10);
        using var loop = new PacketLoop(workload, spec.Settings, null, TestContext.Current.CancellationToken) { Clock = clock.Read };
        loop.Replay(workload.Setup);
        loop.Measure(Seconds(1000));
        IReadOnlyList<StageCycles> stages = loop.MeasureStages(Seconds(readings));
        Assert.InRange(stages.Sum(s => s.CyclesPerPacket), 4 * 5 / 32.0, 16 * 5 / 32.0);

        double Seconds(int n) => 10 * n / TscClock.FrequencyHz;
    }

    [Fact]
    public void The_stages_of_a_scenario_are_in_its_report()
    {
        var settings = new BenchSettings { Seconds = 0.05, Runs = 1, WarmupSeconds = 0.5, Retries = 0, Stages = new StageRunner(0.05, 3) };
        ScenarioSpec spec = ScenarioSpec.Named("s2_1k_uni", settings);
        Workload workload = spec.Make();
        BenchResult result = new ScenarioRunner(workload, spec.Settings, null, TestContext.Current.CancellationToken).Run();
        ScenarioResult row = ScenarioResultBuilder.Build(spec, workload, result);
        StageResult stages = row.Stages!;
        Assert.Equal(stages.SumCyclesPerPacket, stages.Stages.Sum(s => s.CyclesPerPacket), 6);
        Assert.Contains(stages.Stages, s => s.Stage == "parse");
        Assert.True(stages.SumCyclesPerPacket > 0 && stages.TotalCyclesPerPacket > 0);
        string page = HtmlReport.Write(SampleResults.File(row), null);
        Assert.Contains("Where the cycles go", page);
        Assert.Contains("parse", page);
    }
}
