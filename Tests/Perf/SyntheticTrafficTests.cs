using System.Buffers.Binary;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Made-up traffic has the size that was asked for, and changes of the tables reach it.</summary>
public sealed class SyntheticTrafficTests
{
    [Theory]
    [InlineData("64", 60.0, "")]
    [InlineData("1518", 1514.0, "_1518B")]
    [InlineData("imix", (7 * 60 + 4 * 590 + 1514) / 12.0, "_imix")]
    public void Frames_have_the_length_that_was_asked_for(string text, double meanBytes, string suffix)
    {
        FrameSize size = Assert.Single(FrameSize.ParseList(text));
        Workload made = WorkloadRecipe.ManyConnections("w", 3, tcp: true, nat: false, zipf: false);
        made = size.Apply(made with { Frames = [.. made.Frames.Take(1200)] });
        Assert.Equal("w" + suffix, made.Name);
        Assert.Equal(meanBytes, made.Frames.Average(f => f.Length), 6);
        Assert.All(made.Frames, f => Assert.Equal(0, OnesComplement(f.AsSpan(14, 20))));

        // The IP length covers the frame, except the padding of the smallest one.
        Assert.All(made.Frames, f => Assert.InRange(f.Length - 14 - BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(16)), 0, 6));
        FirstPass pass = FirstPass.Run(made, new BenchSettings(), tcpSeqChk: true, TestContext.Current.CancellationToken);
        Assert.Equal(made.Frames.Count, pass.Output.Count);
    }

    [Theory]
    [InlineData("63")]
    [InlineData("1519")]
    [InlineData("64,")]
    [InlineData("jumbo")]
    public void Other_lengths_are_refused(string text) => Assert.Equal(PerfExitCode.Usage, Assert.Throws<PerfException>(() => FrameSize.ParseList(text)).ExitCode);

    [Theory]
    [InlineData(200, 7)]
    [InlineData(5000, 1)]
    public void As_many_flows_and_subtables_as_asked_for(int flowCount, int subtables)
    {
        Workload made = WorkloadRecipe.ManyFlows("w", flowCount, subtables, zipf: false);
        Assert.Equal(flowCount, made.Frames.Select(Convert.ToHexString).Distinct().Count());
        using var datapath = new Engine.Runtime.Datapath(PacketLoop.DatapathFor(made, new BenchSettings()), sink: null);
        Rules.Load(datapath, made, 0);
        using var queue = new CaptureRxQueue([.. made.Frames.Take(flowCount).Select(f => new ReadOnlyMemory<byte>(f))], [.. Enumerable.Repeat(1u, flowCount)], 1, verifyChecksums: true);
        using var poller = new PmdPoller(datapath.Pmd, [queue]);
        while (poller.Step(0) > 0)
        {
            // Until all are through.
        }

        Assert.Equal((ulong)flowCount, datapath.Pmd.Stats.Tx);
        Assert.Equal(subtables, MegaflowInfo.Snapshot(datapath.Megaflows, 0).Select(m => Convert.ToHexString(m.Mask.Bytes)).Distinct().Count());
    }

    [Fact]
    public void Changes_of_the_tables_are_made_at_the_rate_and_seen_by_the_traffic()
    {
        var churn = new ChurnRunner(200, HitsTraffic: true, Seconds: 0.3, WindowMs: 10);
        var settings = new BenchSettings { Offload = OffloadMode.Soft, Seconds = 0.02, Runs = 1, WarmupSeconds = 0.1, Retries = 0, Churn = churn };
        Workload made = WorkloadRecipe.ManyConnections("w", 50, tcp: false, nat: false, zipf: false);
        BenchResult result = new ScenarioRunner(made, settings, null, TestContext.Current.CancellationToken).Run();
        ChurnResult seen = result.Churn!;
        Assert.InRange(seen.AppliedPerSecond, 1, 250);
        Assert.True(seen.MegaflowsDeleted > 0, "no megaflow was deleted, though rules came and went");
        Assert.True(seen.MedianMicroseconds > 0 && seen.MaxMicroseconds >= seen.MedianMicroseconds);
        Assert.Equal(seen.Points.Select(p => p.Ms).Order(), seen.Points.Select(p => p.Ms));
        Assert.Equal(seen.Points.Select(p => p.FlowMods).Order(), seen.Points.Select(p => p.FlowMods));
        Assert.True(seen.Points[^1].FlowMods > 0);

        ScenarioRunner still = new(made, settings with { Churn = churn with { FlowModsPerSecond = 0 } }, null, TestContext.Current.CancellationToken);
        Assert.Equal((0UL, 0.0), (still.Run().Churn!.MegaflowsDeleted, still.Run().Churn!.AppliedPerSecond));
    }

    private static ushort OnesComplement(ReadOnlySpan<byte> header)
    {
        uint sum = 0;
        for (int i = 0; i < header.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
