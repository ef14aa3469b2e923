using Xunit;

namespace Mergeflow.Tests;

/// <summary>A megaflow that goes lets go of its recirculation ids.</summary>
public sealed class RecircReleaseTests
{
    [Theory]
    [InlineData("purge")]
    [InlineData("idle")]
    [InlineData("delete")]
    public void Ids_go_with_their_megaflows(string way)
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)] }, new NoSink());
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("udp,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],ct(table=1)\ntable=1,actions=output:2"));
        for (int i = 1; i <= 200; i++) s.Receive(1, NicFrame.New().Ipv4($"10.0.0.{i}", "10.0.1.1", 17, NicFrame.UdpDatagram(1, 2, 10)), i);
        s.ProcessPending();
        Assert.Equal(200, s.Datapath.Recirc.ReferencedCount);
        if (way == "purge") s.Purge();
        if (way == "delete") s.ApplyFlowMods([new FlowTextParser().ParseFlow("delete udp")]);
        s.AdvanceTo(s.NowMs + 60_000);
        for (int i = 0; i < 4; i++) s.AdvanceTo(s.NowMs + RecircStore.GraceMs + 1);
        Assert.Equal((0, 0), (s.Datapath.Megaflows.Count, s.Datapath.Recirc.ReferencedCount));

        // What the translators have in hand are the ids of their last translation.
        Assert.InRange(s.Datapath.Recirc.Count, 0, 2);
    }

    private sealed class NoSink : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
