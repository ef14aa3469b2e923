using Xunit;

namespace Mergeflow.Tests;

/// <summary>Beside control, batches become smaller while misses are many and take long, so that no poll is long, and are whole again behind that.</summary>
public sealed class MissBatchTests
{
    private const int Flows = 256;
    private const string OnePass = "table=0,ip actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],output:2";
    private const string TwoPasses = "table=0,ip actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],ct(table=1)\ntable=1,ip actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],output:2";

    [Theory]
    [InlineData(OnePass)]
    [InlineData(TwoPasses)]
    public void Behind_a_batch_of_slow_misses_a_poll_has_few_upcalls(string flows)
    {
        List<Poll> polls = Polls(flows, AllFlows(1), nsPerUpcall: 7_000);

        Assert.Equal(Flows, polls.Sum(static p => p.Packets));
        Assert.Equal(PmdThread.MaxBatch, polls[0].Packets);
        Assert.All(polls.Skip(1), static p => Assert.InRange(p.Upcalls * 7_000L, 7_000, 65_000));
    }

    [Fact]
    public void Quick_misses_come_in_whole_batches()
        => Assert.Equal([32, 8, 16, 32, 32], Polls(OnePass, AllFlows(1), nsPerUpcall: 500).Take(5).Select(static p => p.Packets));

    [Fact]
    public void Behind_the_misses_batches_are_whole_again()
    {
        List<Poll> known = [.. Polls(OnePass, AllFlows(2), nsPerUpcall: 7_000).SkipWhile(static p => p.Upcalls > 0)];

        Assert.Equal([20, 32, 32, 32, 32], known.Skip(1).Take(5).Select(static p => p.Packets));
    }

    [Fact]
    public void A_miss_now_and_then_leaves_batches_whole()
    {
        List<ReadOnlyMemory<byte>> frames = [.. Enumerable.Range(0, 8 * PmdThread.MaxBatch).Select(static i => Frame(i % PmdThread.MaxBatch < 4 ? i : 1))];

        Assert.All(Polls(OnePass, frames, nsPerUpcall: 7_000), static p => Assert.Equal(PmdThread.MaxBatch, p.Packets));
    }

    [Fact]
    public void Without_a_clock_batches_are_whole() => Assert.All(Polls(OnePass, AllFlows(1), nsPerUpcall: null), static p => Assert.Equal(PmdThread.MaxBatch, p.Packets));

    private static List<Poll> Polls(string flows, List<ReadOnlyMemory<byte>> frames, long? nsPerUpcall)
    {
        using Engine.Runtime.Datapath datapath = new(new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], PacketCapacity = 256 }, sink: null);
        datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(flows), 0);
        if (nsPerUpcall is { } ns) datapath.Pmd.MissClock = () => (long)datapath.Pmd.Stats.Upcalls * ns;
        using CaptureRxQueue queue = new(frames, [.. frames.Select(static _ => 1u)], 1, verifyChecksums: true);
        using PmdPoller poller = new(datapath.Pmd, [queue]);
        List<Poll> polls = [];
        for (PmdStats before = datapath.Pmd.Stats; poller.Step(1) > 0; before = datapath.Pmd.Stats)
        {
            polls.Add(new Poll((int)(datapath.Pmd.Stats.Rx - before.Rx), (int)(datapath.Pmd.Stats.Upcalls - before.Upcalls)));
        }

        return polls;
    }

    private static List<ReadOnlyMemory<byte>> AllFlows(int rounds) => [.. Enumerable.Range(0, rounds * Flows).Select(static i => Frame(i % Flows))];

    private static ReadOnlyMemory<byte> Frame(int flow) => Frames.Echo("10.0.0.1", $"10.1.0.{flow}", 7);

    private sealed record Poll(int Packets, int Upcalls);
}
