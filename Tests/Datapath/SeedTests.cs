using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>One seed per datapath: the same one gives the same choices again, another one gives others; none is that of the process.</summary>
public sealed class SeedTests
{
    [Fact]
    public void Streams_of_a_seed_and_seeds_of_a_stream_differ()
    {
        HashSet<ulong> seen = [];
        for (ulong seed = 1; seed <= 100; seed++)
        {
            for (uint stream = 0; stream < 100; stream++) Assert.True(seen.Add(new Seed(seed).Stream(stream)), $"stream {stream} of seed {seed} is one of the others");
        }

        Assert.Equal(new Seed(5).Stream(7), Seed.Of(5).Stream(7));
        Assert.NotEqual(0UL, Seed.Of(0).Value);
        Assert.Equal(new Seed(ProcessSeed.For("datapath")), Seed.Of(0));
    }

    [Theory]
    [InlineData("group_id=1,type=select,selection_method=dp_hash,bucket=output:2,bucket=output:3")]
    [InlineData("group_id=1,type=select,bucket=output:2,bucket=output:3")]
    [InlineData("group_id=1,type=select,selection_method=hash,fields(ip_src,udp_src),bucket=output:2,bucket=output:3")]
    public void Buckets_are_chosen_by_the_seed(string group)
    {
        string first = Chosen(group, 1);
        Assert.Equal(first, Chosen(group, 1));
        Assert.NotEqual(first, Chosen(group, 2));
        string drawn = Chosen(group, 0);
        Assert.Equal(drawn, Chosen(group, 0));
        Assert.NotEqual(first, drawn);
        Assert.InRange(first.Count(static c => c == '2'), 16, 48);
    }

    /// <summary>The bucket of each of 64 flows; each keeps it.</summary>
    private static string Chosen(string group, ulong seed)
    {
        var sink = new Sink();
        using var simulator = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], BatchSize = 32, PacketCapacity = 64, Seed = seed }, sink);
        var parser = new FlowTextParser();
        simulator.ApplyGroupMod(parser.ParseGroup(group));
        simulator.ApplyFlowMods(parser.ParseFlows("udp,actions=group:1"));
        for (int i = 0; i < 128; i++) simulator.Receive(1, NicFrame.UdpIpv4((ushort)(1000 + (i % 64)), from: $"10.0.{i % 64}.1"), i);
        simulator.ProcessPending();
        string ports = string.Concat(sink.Sent.OrderBy(static s => s.Event).Select(static s => s.Port));
        Assert.Equal(ports[..64], ports[64..]);
        return ports[..64];
    }

    private sealed class Sink : IOutputSink
    {
        public List<(long Event, uint Port)> Sent { get; } = [];

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Sent.Add((eventIndex, port));
    }
}
