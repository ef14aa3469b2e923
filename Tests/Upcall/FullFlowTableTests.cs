using Xunit;

namespace Mergeflow.Tests;

/// <summary>A packet whose megaflow finds no room runs from its translation, and so do its later passes, one in the other.</summary>
public sealed class FullFlowTableTests
{
    /// <summary>Each pass has something to do behind the pass that it starts: there the first program must still be what it was.</summary>
    private const string Flows = """
        table=0,priority=9,arp,actions=drop
        table=0,ip,actions=ct(table=1,zone=1),mod_nw_tos:4,output:2
        table=1,ip,actions=ct(table=2,zone=2),mod_nw_tos:8,output:3
        table=2,ip,actions=mod_nw_tos:12,output:4
        """;

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void Its_packets_leave_as_with_room(OffloadMode offload)
    {
        (List<string> full, PmdStats stats) = Run(1, offload);
        Assert.True(stats.UpcallsUninstalled >= 9, $"{stats.UpcallsUninstalled} passes found no room");
        (List<string> roomy, stats) = Run(100, offload);
        Assert.Equal(0ul, stats.UpcallsUninstalled);
        Assert.Equal(9, roomy.Count);
        Assert.Equal(roomy, full);
    }

    [Fact]
    public void Its_packets_leave_no_garbage()
    {
        using var bed = new PacketTestBed(Flows, OffloadMode.None, cacheOn: true, [Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53, 20)], megaflowCapacity: 1);
        bed.Run(2000);
        ulong uninstalled = bed.Stats.UpcallsUninstalled;
        long before = GC.GetAllocatedBytesForCurrentThread();
        bed.Run(2000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(bed.Stats.UpcallsUninstalled - uninstalled >= 4000, "the passes found room");
    }

    private static (List<string> Sent, PmdStats Stats) Run(int capacity, OffloadMode offload)
    {
        var sink = new Sink();
        using var simulator = new Simulator(
            new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], BatchSize = 1, MegaflowCapacity = capacity, Offload = offload, TcpSeqChk = offload != OffloadMode.Nic, PacketCapacity = 64 }, sink);
        simulator.ApplyFlowMods(new FlowTextParser().ParseFlows(Flows));
        simulator.Receive(1, Convert.FromHexString("ffffffffffff02000000000108060001080006040001020000000001" + "0a00000100000000000000000000".PadRight(28, '0')), 0);
        for (int i = 1; i <= 3; i++) simulator.Receive(1, Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53, 20), i);
        simulator.Settle();
        return (sink.Sent, simulator.Datapath.Pmd.Stats);
    }

    private sealed class Sink : IOutputSink
    {
        public List<string> Sent { get; } = [];

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Sent.Add($"{port} {Convert.ToHexString(frame)}");
    }
}
