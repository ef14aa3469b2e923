using Xunit;

namespace Mergeflow.Tests;

/// <summary>What <c>normal</c> learns from a packet holds for the next one, however many packets are processed at a time.</summary>
public sealed class LearningTests
{
    private const string ToFour = "02000000000402000000000108004500001400000000400066e70a0000010a000004";
    private const string FromFour = "02000000000102000000000408004500001400000000400066e70a0000040a000001";

    [Theory]
    [InlineData("actions=normal", "", 1)]
    [InlineData("actions=normal", "", 2)]
    [InlineData("actions=normal", "", 32)]
    [InlineData("actions=resubmit(,1)\ntable=1,actions=clone(normal)", "", 32)]
    [InlineData("actions=write_actions(normal)", "", 32)]
    [InlineData("actions=group:1", "group_id=1,type=indirect,bucket=actions=normal", 32)]
    public void Holds_for_the_next_packet(string flows, string groups, int batchSize)
    {
        var sink = new Sink();
        using var simulator = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], BatchSize = batchSize, PacketCapacity = 64 }, sink);
        var parser = new FlowTextParser();
        foreach (GroupMod group in parser.ParseGroups(groups)) simulator.ApplyGroupMod(group);
        simulator.ApplyFlowMods(parser.ParseFlows(flows));
        Assert.True(simulator.Pipeline.UsesNormal);
        simulator.Receive(1, Convert.FromHexString(ToFour), 0);
        simulator.Receive(3, Convert.FromHexString(FromFour), 1);
        simulator.Receive(1, Convert.FromHexString(ToFour), 2);
        simulator.ProcessPending();
        Assert.Equal(["0:2", "0:3", "1:1", "2:3"], sink.Sent);
        simulator.ApplyFlowMods(parser.ParseFlows("table=9,actions=drop"));
        Assert.True(simulator.Pipeline.UsesNormal);
    }

    /// <summary>Packets that are reported when the rules change teach what their own rules teach: nothing here, although the new rule would have learned from them.</summary>
    [Fact]
    public void A_change_of_rules_teaches_nothing_from_packets_before_it()
    {
        var sink = new Sink();
        using var simulator = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], BatchSize = 1, PacketCapacity = 64 }, sink);
        var parser = new FlowTextParser();
        simulator.ApplyFlowMods(parser.ParseFlows("actions=output:2"));
        for (int i = 0; i < 3; i++) simulator.Receive(1, Convert.FromHexString(ToFour), i);
        Assert.NotEqual(0ul, simulator.Datapath.Revalidator.Unpushed().Packets);
        simulator.ApplyFlowMods(parser.ParseFlows("actions=normal"));
        simulator.Receive(3, Convert.FromHexString(FromFour), 3);
        simulator.Receive(1, Convert.FromHexString(ToFour), 4);
        simulator.Receive(3, Convert.FromHexString(FromFour), 5);
        Assert.Equal(["0:2", "1:2", "2:2", "3:1", "3:2", "4:3", "5:1"], sink.Sent);
    }

    [Fact]
    public void Other_switches_keep_their_batches()
    {
        using var simulator = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], BatchSize = 32, PacketCapacity = 64 }, new Sink());
        simulator.ApplyFlowMods(new FlowTextParser().ParseFlows("actions=flood"));
        for (int i = 0; i < 32; i++) simulator.Receive(1, Convert.FromHexString(ToFour), i);
        Assert.False(simulator.Pipeline.UsesNormal);
        Assert.Equal(1UL, simulator.Datapath.Pmd.Stats.Batches);
    }

    private sealed class Sink : IOutputSink
    {
        public List<string> Sent { get; } = [];

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Sent.Add($"{eventIndex}:{port}");

    }
}
