using Xunit;

namespace Mergeflow.Tests;

/// <summary>Whatever holds native memory may be disposed twice, and says so when it is used afterwards.</summary>
public sealed class DisposalTests
{
    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void A_switch_is_disposed_as_often_as_one_likes(OffloadMode mode)
    {
        Simulator simulator = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], Offload = mode }, new NoSink());
        simulator.ApplyFlowMods(new FlowTextParser().ParseFlows("in_port=1,actions=output:2\n"));
        byte[] frame = NicFrame.UdpIpv4();
        for (int i = 0; i < 100; i++) simulator.Receive(1, frame, i);
        simulator.ProcessPending();
        for (int i = 0; i < 3; i++) simulator.Dispose();
        for (int i = 0; i < 3; i++) simulator.Datapath.Dispose();
        Assert.Throws<ObjectDisposedException>(() => simulator.Receive(1, frame, 0));
        Assert.Throws<ObjectDisposedException>(() => simulator.ApplyFlowMods([]));
        Assert.Throws<ObjectDisposedException>(() => simulator.Report());
        Assert.Throws<ObjectDisposedException>(() => simulator.AdvanceTo(5));
    }

    [Fact]
    public void So_is_each_of_its_parts()
    {
        using Simulator simulator = new(new SimulatorOptions { Ports = [("p1", 1)], Offload = OffloadMode.Soft }, new NoSink());
        using CaptureRxQueue queue = new([NicFrame.UdpIpv4()], [1], 1, true);
        PmdPoller poller = new(simulator.Datapath.Pmd, [queue]);
        StagePoller stages = new(simulator.Datapath.Pmd, queue);
        IDisposable[] parts = [poller, stages, queue, simulator.Datapath.Pmd, simulator.Datapath.Pmd.Pool, simulator.Datapath.Offload!, simulator.Datapath.Megaflows, simulator.Datapath.Conntrack, simulator.Datapath.Meters];
        foreach (IDisposable part in parts.Concat(parts).Concat(parts)) part.Dispose();
    }

    private sealed class NoSink : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
