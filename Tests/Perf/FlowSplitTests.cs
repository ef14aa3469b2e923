using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Frames that several PMD threads share.</summary>
public sealed class FlowSplitTests
{
    [Theory]
    [InlineData("s4_udp_1k_uni")]
    [InlineData("s5_udp_1k_uni")]
    public void Threads_divide_connections_not_packets(string scenario)
    {
        Workload whole = ScenarioSpec.Named(scenario, new BenchSettings()).Make();
        IReadOnlyList<Workload> shares = FlowSplit.Of(whole, 2);
        Assert.Equal(2, shares.Count);
        Assert.Equal(whole.Frames.Count, shares.Sum(s => s.Frames.Count));
        Assert.All(shares, s => Assert.InRange(s.Frames.Count, whole.Frames.Count / 3, whole.Frames.Count * 2 / 3));

        // A connection that came apart would be new or invalid to one of the two, and its packets would be dropped.
        foreach (Workload share in shares)
        {
            using var loop = new PacketLoop(share, new BenchSettings { OneShot = true }, cpu: null, default);
            loop.Replay(share.Setup);
            BenchRun run = loop.Measure(double.MaxValue);
            Assert.Equal((ulong)share.Frames.Count, run.Packets);
            Assert.Equal(run.Packets, run.Transmitted);
        }
    }

    [Theory]
    [InlineData("s4_udp_1k_uni", OffloadMode.None)]
    [InlineData("s4_udp_1k_uni", OffloadMode.Soft)]
    [InlineData("s5_udp_1k_uni", OffloadMode.None)]
    public void Directions_that_are_apart_are_of_one_connection(string scenario, OffloadMode offload)
    {
        Assert.SkipUnless(HostProbe.ProcessCpus.Count > 1, "one processor");
        ScenarioSpec spec = ScenarioSpec.Named(scenario, new BenchSettings { Pmds = 2, SharesDatapath = true, DirectionsApart = true, Offload = offload, Runs = 2, Seconds = 0.02, WarmupSeconds = 0.1 });
        Workload whole = spec.Make();
        IReadOnlyList<Workload> shares = FlowSplit.Of(whole, 2, directionsApart: true);
        Assert.All(shares, s => Assert.InRange(s.Frames.Count, whole.Frames.Count / 3, whole.Frames.Count * 2 / 3));
        Assert.All(whole.Frames.Take(100), f => Assert.NotEqual(FlowSplit.ThreadOf(f, 2, true), FlowSplit.ThreadOf(Answer(f), 2, true)));
        ScenarioResult row = ScenarioResultBuilder.Build(spec, whole, new ScenarioRunner(whole, spec.Settings).Run());
        Assert.Equal(scenario + "_pmd2_shared_apart", row.Name);
        Assert.Equal(1, row.TxPerRx);
    }

    /// <summary>The ports the other way round.</summary>
    private static byte[] Answer(byte[] frame)
    {
        byte[] answer = [.. frame];
        (answer[34], answer[35], answer[36], answer[37]) = (frame[36], frame[37], frame[34], frame[35]);
        return answer;
    }

    [Fact]
    public void A_group_adds_up_its_threads()
    {
        Assert.SkipUnless(HostProbe.ProcessCpus.Count > 1, "one processor");
        ScenarioSpec spec = ScenarioSpec.Named("s2_1k_uni", new BenchSettings { Pmds = 2, Runs = 2, Seconds = 0.02, WarmupSeconds = 0.1 });
        ScenarioResult row = ScenarioResultBuilder.Build(spec, spec.Make(), new ScenarioRunner(spec.Make(), spec.Settings).Run());
        Assert.Equal("s2_1k_uni_pmd2", row.Name);
        Assert.Equal(1, row.TxPerRx);
        Assert.Equal(2, row.Runs.Count);
        Assert.Equal(16, row.Megaflows);
    }

    [Fact]
    public void Frames_without_ports_go_to_the_first_thread()
    {
        Assert.Equal(0, FlowSplit.ThreadOf(new byte[60], 2));
        Assert.Equal(0, FlowSplit.ThreadOf([], 2));
    }
}
