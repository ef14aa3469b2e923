using Xunit;

namespace Mergeflow.Tests;

/// <summary>A purge where control works in slices: what was there is gone for everybody at once, and taken out by and by.</summary>
public sealed class PurgeTests
{
    private const int Flows = 60;

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    public void Behind_a_purge_every_flow_is_new_and_nothing_is_lost_of_what_was_counted(OffloadMode offload)
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], Offload = offload, PacketCapacity = 128, FrameCapacityBytes = 2048, BatchSize = 1, ScheduleSeed = 2, SlicesControl = true }, new NoOutput());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("cookie=1,udp,in_port=1 actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],output:2"));
        for (int round = 1; round <= 5; round++)
        {
            ulong upcalls = s.Datapath.Stats.Upcalls;
            Send(s);
            Assert.Equal(upcalls + Flows, s.Datapath.Stats.Upcalls);
            Assert.Equal((Flows, Flows), (s.Datapath.MegaflowCount, s.Datapath.DumpMegaflows(0).Count));
            Send(s);
            Assert.Equal(upcalls + Flows, s.Datapath.Stats.Upcalls);
            MegaflowInfo some = s.Datapath.DumpMegaflows(0)[0];
            s.Purge();
            Assert.Equal((0, 0), (s.Datapath.MegaflowCount, s.Datapath.DumpMegaflows(0).Count));
            Assert.Null(s.Datapath.FindMegaflow(some.Id, s.Datapath.Pmds[MegaflowId.PmdOf(some.Id)].Megaflows.Slot(MegaflowId.SlotOf(some.Id)).Generation, 0));

            // A second one finds none, or those that the first has left.
            if (round % 2 == 0) s.Purge();
        }

        SimulatorReport report = s.Report();
        Assert.Equal(10ul * Flows, Assert.Single(report.Rules).Packets);
        Assert.Equal(0, report.MegaflowCount);
        if (offload == OffloadMode.Soft) Assert.True(s.Datapath.Audit(0, pushed: true).IsBalanced);
    }

    [Fact]
    public void A_megaflow_that_a_change_puts_in_doubt_behind_a_purge_stays()
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], PacketCapacity = 128, FrameCapacityBytes = 2048, BatchSize = 1, ScheduleSeed = 2, SlicesControl = true }, new NoOutput());
        FlowTextParser parser = new();
        s.ApplyFlowMods(parser.ParseFlows("cookie=1,udp,in_port=1 actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],output:2"));
        Send(s);
        s.Purge();
        s.Receive(1, Frame(0), 0);
        s.ProcessPending();
        s.SetPort(3, exists: false);
        Assert.Equal(1, s.Datapath.MegaflowCount);
        s.Settle();
        Assert.Equal(1, s.Datapath.MegaflowCount);
    }

    private static void Send(Simulator s)
    {
        for (int i = 0; i < Flows; i++) s.Receive(1, Frame(i), 0);
        s.ProcessPending();
    }

    private static byte[] Frame(int i) => NicFrame.UdpIpv4(1000, 53, "10.0.0.1", $"10.0.1.{i}", payload: 64);

    private sealed class NoOutput : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
