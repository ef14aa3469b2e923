using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Another switch is measured before each run, and its median, least and most stand beside ours.</summary>
public sealed class PeerInTurnTests
{
    [Theory]
    [InlineData("s1_uni", false)]
    [InlineData("s6_udp", true)]
    public void Every_run_is_preceded_by_one_of_the_peer(string scenario, bool oneShot)
    {
        using var peer = new CountingPeer();
        ScenarioSpec spec = ScenarioSpec.Named(scenario, new BenchSettings { Peer = peer, Runs = 3, Seconds = 0.01, WarmupSeconds = 0.05, Retries = 5 });
        BenchResult result = new ScenarioRunner(spec.Make(), spec.Settings).Run();
        Assert.Equal(oneShot, spec.Settings.OneShot);
        Assert.Equal(["prepare", "measure", "measure", "measure", "receive"], peer.Calls);
        PeerResult beside = Assert.IsType<PeerResult>(result.Peer);
        Assert.Equal((200d, 100d, 300d), (beside.CyclesPerPacket.Median, beside.CyclesPerPacket.Min, beside.CyclesPerPacket.Max));
        Assert.Equal(7, beside.ReceiveCyclesPerPacket);
        Assert.Equal(3, result.Runs.Count);
    }

    [Fact]
    public void Rows_beside_a_peer_have_no_checksum_verdicts()
    {
        ScenarioSpec spec = ScenarioSpec.Named("s4_udp_10k_emc0", new BenchSettings { HardwareChecksums = false });
        Assert.Equal(("s4_udp_10k_uni_emc0_sw", false, false), (spec.Name, spec.Settings.HardwareChecksums, spec.Settings.CacheOn));
    }

    [Fact]
    public void What_a_program_says_when_it_fails_is_the_message()
    {
        PerfException e = Assert.Throws<PerfException>(() => ExternalProgram.Run(new Dictionary<string, string> { ["WHY"] = "no such bridge" }, "sh", "-c", "echo $WHY >&2; exit 3"));
        Assert.Contains("no such bridge", e.Message, StringComparison.Ordinal);
        Assert.Contains("nosuchprogram", Assert.Throws<PerfException>(() => ExternalProgram.Run(new Dictionary<string, string>(), "nosuchprogram")).Message, StringComparison.Ordinal);
    }

    private sealed class CountingPeer : IPeer
    {
        private int _runs;

        public List<string> Calls { get; } = [];

        public string Name => "other 1.0";

        public void Prepare(Workload workload, BenchSettings settings) => Calls.Add("prepare");

        public PeerRun Measure()
        {
            Calls.Add("measure");
            return new PeerRun(1e6, 100 * ++_runs);
        }

        public double MeasureReceive()
        {
            Calls.Add("receive");
            return 7;
        }

        public void Dispose() => Calls.Add("dispose");
    }
}
