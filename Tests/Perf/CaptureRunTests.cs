using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class CaptureRunTests
{
    private const uint Client = 0x0a00_0001;
    private const uint Server = 0x0a00_0002;

    private static readonly BenchSettings s_settings = new();

    [Fact]
    public void The_initiator_is_inside()
    {
        var finder = new DirectionFinder();
        Assert.Equal(1u, finder.PortOf(FrameBuilder.Build(Server, Client, 53, 1000)));
        Assert.Equal(2u, finder.PortOf(FrameBuilder.Build(Client, Server, 1000, 53)));
        Assert.Equal(1u, finder.PortOf(FrameBuilder.Build(Server, Client, 54, 1000)));
        Assert.Equal(1u, finder.PortOf([]));
        byte[] arp = new byte[60];
        (arp[6], arp[12], arp[13]) = (2, 8, 6);
        Assert.Equal(1u, finder.PortOf(arp));
        (arp[0], arp[6]) = (2, 0);
        Assert.Equal(2u, finder.PortOf(arp));
    }

    [Fact]
    public void The_default_rules_are_a_stateful_firewall()
    {
        using TemporaryFolder folder = new();
        Workload w = Load(folder,
            FrameBuilder.Build(Client, Server, 1000, 53), // opens: leaves on 2
            FrameBuilder.Build(Server, Client, 53, 1000), // answers: leaves on 1
            FrameBuilder.Build(Server, Client, 99, 1001)); // from outside, nobody asked: dropped
        Assert.Equal([1u, 2u, 2u], w.InPorts);
        FirstPass pass = FirstPass.Run(w, s_settings, tcpSeqChk: true, TestContext.Current.CancellationToken);
        Assert.Equal(2, pass.Output.Count);
    }

    [Fact]
    public void Wrong_checksums_are_reported_and_corrected_on_demand()
    {
        using TemporaryFolder folder = new();
        byte[] wrong = FrameBuilder.Build(Client, Server, 1000, 53);
        byte[] right = [.. wrong];
        wrong[40] ^= 0x55;
        string path = Write(folder, wrong, right);
        Workload asIs = new CaptureRun(path).Load();
        Assert.Contains("1 of 2 frames have a wrong checksum", Assert.Single(asIs.Notes), StringComparison.Ordinal);
        Assert.Equal(wrong, asIs.Frames[0]);
        Workload repaired = new CaptureRun(path) { FixChecksums = true }.Load();
        Assert.Contains("corrected", Assert.Single(repaired.Notes), StringComparison.Ordinal);
        Assert.Equal(right, repaired.Frames[0]);
        Assert.Equal(right, repaired.Frames[1]);
    }

    [Theory]
    [InlineData(OffloadMode.Soft, true)]
    [InlineData(OffloadMode.Soft, false)]
    [InlineData(OffloadMode.Nic, true)]
    public void Offload_modes_give_the_same_output(OffloadMode mode, bool cacheOn)
    {
        using TemporaryFolder folder = new();
        Workload w = Load(folder, [.. Conversation(40)]);
        BenchSettings settings = s_settings with { CacheOn = cacheOn };
        FirstPass software = FirstPass.Run(w, settings, tcpSeqChk: false, TestContext.Current.CancellationToken);
        FirstPass offloaded = FirstPass.Run(w, settings with { Offload = mode }, tcpSeqChk: false, TestContext.Current.CancellationToken);
        Assert.True(offloaded.OffloadHits > 0, "nothing was offloaded: the comparison proves nothing");
        Assert.Null(offloaded.Output.FirstDifference(software.Output));
        Assert.Equal(software.Output.Sha256(), offloaded.Output.Sha256());
        Assert.Contains(offloaded.Shares!.Refused, r => r.Reason == OffloadReason.CtNotEstablished);
    }

    [Fact]
    public void A_difference_is_found()
    {
        OutputRecorder Recorded(params (uint Port, byte[] Frame)[] sent)
        {
            var r = new OutputRecorder { Watch = (1, 1) };
            for (int i = 0; i < sent.Length; i++) r.Output(i, sent[i].Port, sent[i].Frame);
            return r;
        }

        byte[] a = FrameBuilder.Build(Client, Server, 1, 2);
        byte[] b = FrameBuilder.Build(Client, Server, 1, 3);
        OutputRecorder one = Recorded((1, a), (2, a), (1, b));
        Assert.Null(one.FirstDifference(Recorded((2, a), (1, a), (1, b))));
        Assert.Equal(one.Sha256(), Recorded((2, a), (1, a), (1, b)).Sha256());

        OutputRecorder other = Recorded((1, a), (2, a), (1, a));
        OutputDifference difference = one.FirstDifference(other)!;
        Assert.Equal((1u, 1, 2L), (difference.Port, difference.Index, difference.Event));
        Assert.Contains("from byte 37: 03", difference.Describe(one.Watched, other.Watched));
        Assert.NotEqual(one.Sha256(), other.Sha256());
        Assert.Contains("too many", one.FirstDifference(Recorded((1, a), (2, a)))!.What);
        Assert.Contains("missing", Recorded((1, a)).FirstDifference(one)!.What);
    }

    [Fact]
    public void Measured_and_recorded_packets_agree()
    {
        using TemporaryFolder folder = new();
        Workload w = Load(folder, [.. Conversation(10)]);
        BenchResult result = new ScenarioRunner(w, new BenchSettings { OneShot = true, Runs = 2, WarmupSeconds = 0 }, null, TestContext.Current.CancellationToken).Run();
        FirstPass pass = FirstPass.Run(w, s_settings, tcpSeqChk: true, TestContext.Current.CancellationToken);
        Assert.All(result.Runs, r => Assert.Equal(((ulong)w.Frames.Count, (ulong)pass.Output.Count), (r.Packets, r.Transmitted)));
    }

    private static IEnumerable<byte[]> Conversation(int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            for (int c = 0; c < 5; c++)
            {
                yield return FrameBuilder.Build(Client, Server, 1000 + c, 53);
                yield return FrameBuilder.Build(Server, Client, 53, 1000 + c, frameBytes: 60 + (i * 7));
            }
        }
    }

    private static Workload Load(TemporaryFolder folder, params byte[][] frames) => new CaptureRun(Write(folder, frames)).Load();

    private static string Write(TemporaryFolder folder, params byte[][] frames)
    {
        string path = folder["x.pcap"];
        using (var writer = new PcapWriter(path))
        {
            for (int i = 0; i < frames.Length; i++) writer.Write(frames[i], i * 1_000_000L);
        }

        return path;
    }
}
