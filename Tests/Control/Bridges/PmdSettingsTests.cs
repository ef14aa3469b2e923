using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the database says of packet threads, their processors and queues.</summary>
public sealed class PmdSettingsTests
{
    [Theory]
    [InlineData("", "Cycles isolates=True balances=False 1 25 95 sleep=0", 0)]
    [InlineData("pmd-rxq-assign=group pmd-rxq-isolate=false pmd-auto-lb=true pmd-auto-lb-rebal-interval=10", "Group isolates=False balances=True 10 25 95 sleep=0", 0)]
    [InlineData("pmd-rxq-assign=roundrobin pmd-rxq-isolate=false", "RoundRobin isolates=True balances=False 1 25 95 sleep=0", 1)]
    [InlineData("pmd-rxq-assign=fair", "Cycles isolates=True balances=False 1 25 95 sleep=0", 1)]
    [InlineData("pmd-auto-lb-rebal-interval=0 pmd-auto-lb-improvement-threshold=0 pmd-auto-lb-load-threshold=100", "Cycles isolates=True balances=False 1 0 100 sleep=0", 0)]
    [InlineData("pmd-auto-lb-rebal-interval=20001 pmd-auto-lb-improvement-threshold=101 pmd-auto-lb-load-threshold=-1", "Cycles isolates=True balances=False 1 25 95 sleep=0", 0)]
    [InlineData("pmd-auto-lb-rebal-interval=20000 pmd-maxsleep=10001", "Cycles isolates=True balances=False 20000 25 95 sleep=10000", 0)]
    [InlineData("pmd-cpu-mask=3g pmd-maxsleep=499", "Cycles isolates=True balances=False 1 25 95 sleep=499", 1)]
    public void Settings_are_read_and_bounded(string text, string expected, int warnings)
    {
        List<string> said = [];
        PmdSettings s = PmdSettings.Of(text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static o => o.Split('=')).ToDictionary(static o => o[0], static o => o[1]), said.Add);
        Assert.Equal(expected, $"{s.Assign} isolates={s.PinsIsolate} balances={s.Balances} {s.BalanceMinutes} {s.ImprovementPercent} {s.LoadPercent} sleep={s.MaxSleepUs}");
        Assert.Equal(warnings, said.Count);
        Assert.Null(s.Cpus);
    }

    [Theory]
    [InlineData("0x1fe", "1 2 3 4 5 6 7 8")]
    [InlineData("7E", "1 2 3 4 5 6")]
    [InlineData("0X100000000000000000000000000000000", "128")]
    [InlineData("0", "")]
    [InlineData("", null)]
    [InlineData("0x", null)]
    [InlineData("-1", null)]
    [InlineData("3g", null)]
    public void A_mask_is_hexadecimal_and_has_any_length(string text, string? expected)
    {
        CpuMask? mask = CpuMask.Parse(text);
        Assert.Equal(expected, mask is null ? null : string.Join(' ', Enumerable.Range(0, 200).Where(mask.Contains)));
        if (mask is not null) Assert.False(mask.Contains(-1));
    }

    [Theory]
    [InlineData("0:3,1:7", "0>3 1>7")]
    [InlineData("2=0 , 1:4", "1>4 2>0")]
    [InlineData("0:3,0:4", "0>4")]
    [InlineData(null, "")]
    [InlineData("0", null)]
    [InlineData("0:-1", null)]
    [InlineData("a:1", null)]
    [InlineData("0:1:2", null)]
    [InlineData("99999999999:1", null)]
    public void Affinities_are_pairs_of_queue_and_processor(string? text, string? expected)
    {
        IReadOnlyDictionary<int, int>? pins = RxqAffinity.Parse(text);
        Assert.Equal(expected, pins is null ? null : string.Join(' ', pins.OrderBy(static p => p.Key).Select(static p => $"{p.Key}>{p.Value}")));
    }

    [Fact]
    public void Processors_and_nodes_are_as_they_are_said_to_be()
    {
        List<string> said = [];
        NumaTopology topology = NumaTopology.OfDummy("1,8,x,1,-2,128", said.Add);
        Assert.Equal([new PmdCpu(0, 1), new PmdCpu(1, 8), new PmdCpu(2, 1)], topology.Cpus);
        Assert.Equal(["Discovered 2 CPU cores on NUMA node 1", "Discovered 1 CPU cores on NUMA node 8", "Discovered 2 NUMA nodes and 3 CPU cores"], topology.Lines());
        Assert.Equal([new PmdCpu(0, 1), new PmdCpu(1, 8)], topology.OneOfEachNode());
        Assert.Equal([new PmdCpu(1, 8), new PmdCpu(2, 1)], topology.Of(CpuMask.Parse("e")!));
        Assert.Equal(3, said.Count);
    }

    [Fact]
    public void The_processors_of_this_machine_are_those_that_the_process_may_use()
    {
        NumaTopology topology = NumaTopology.OfSystem();
        Assert.Equal(Native.PacketCpus.OfProcess, topology.Cpus.Select(static c => c.Cpu));
        Assert.All(topology.Cpus, static c => Assert.True(c.Node >= 0));
    }

    [Fact]
    public void The_time_of_a_queue_is_that_of_the_last_minute()
    {
        LoadHistory history = new();
        history.Restart(100);
        for (int i = 1; i <= LoadHistory.Count; i++) Assert.Equal(i, history.Store(100 + (i * (i + 1) / 2)));
        Assert.Equal(12, history.Sum(1));
        Assert.Equal(12 + 11 + 10, history.Sum(3));
        Assert.Equal(78, history.Sum(100));
        history.Store(178);
        Assert.Equal(77, history.Sum(LoadHistory.Count));

        // Another device begins from 0.
        Assert.Equal(0, history.Store(5));
        Assert.Equal(2, history.Store(7));
        history.Restart(7);
        Assert.Equal(0, history.Sum(LoadHistory.Count));
    }
}
