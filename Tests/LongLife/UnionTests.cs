using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a rule that is long gone leaves behind in the look-up.</summary>
public sealed class UnionTests : IOutputSink
{
    private const string Flows = """
        table=0,ip,actions=ct(table=1)
        table=1,ct_state=+new,ip,actions=ct(commit),output:2
        table=1,ct_state=-new,ip,actions=output:2
        """;

    /// <summary>
    /// 100 connections, 32 packets each, two look-ups a packet: all are answered by the microflow cache. Then a rule with ct_label is there for a while;
    /// when it is gone, all are again. (The union of masks kept the label, so that no packet behind ct could be cached: 3,200 of 6,400 went on to the tuple space.)
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_rule_with_a_label_that_is_gone_costs_nothing(bool purge)
    {
        using var s = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], BatchSize = 32, PacketCapacity = 64, MaxIdleMs = 1000 }, this);
        var parser = new FlowTextParser();
        s.ApplyFlowMods(parser.ParseFlows(Flows));
        Send(s, 2);
        Assert.Equal((6400ul, 0ul), Send(s, 32));
        s.ApplyFlowMods(parser.ParseFlows("table=1,priority=40000,ct_label=7,ip,actions=output:1"));
        Send(s, 2);
        (_, ulong searched) = Send(s, 32);
        Assert.True(searched >= 3200, $"only {searched} look-ups are searched: the label does no harm here");
        s.ApplyFlowMods(parser.ParseFlows("delete table=1,ct_label=7"), purge);

        // What matched the label is not deleted by a round that finds it right still, but is idle some day.
        for (int i = 0; i < 4; i++)
        {
            s.AdvanceTo(s.NowMs + 600);
            if (!purge) s.Purge();
        }

        Send(s, 2);
        Assert.Equal((6400ul, 0ul), Send(s, 32));
    }

    /// <summary>The union is made anew once per sweep, not per subtable that goes.</summary>
    [Fact]
    public void The_union_changes_once_per_sweep()
    {
        using var s = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], BatchSize = 32, PacketCapacity = 64, MaxIdleMs = 1000 }, this);
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("priority=9,ip,nw_tos=32,actions=output:2\npriority=8,ip,nw_ttl=3,actions=output:2\npriority=7,udp,tp_src=9,actions=output:2\npriority=6,udp,tp_dst=9,actions=output:2\nactions=drop"));
        Send(s, 2);
        Dpcls classifier = s.Datapath.Pmd.Classifier;
        uint before = classifier.UnionVersion;
        s.Purge();
        Assert.Equal(0, classifier.SubtableCount);
        Assert.Equal(before + 1, classifier.UnionVersion);
        s.Purge();
        Assert.Equal(before + 1, classifier.UnionVersion);
    }

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
    }

    /// <summary>Look-ups that the cache has answered, and that went on to the tuple space or further.</summary>
    private static (ulong Cached, ulong Searched) Send(Simulator s, int packetsPerFlow)
    {
        PmdStats before = s.Datapath.Pmd.Stats;
        byte[] frame = Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2, checksum: false);
        for (int i = 0; i < packetsPerFlow; i++)
        {
            for (int flow = 0; flow < 100; flow++)
            {
                BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(34), (ushort)(1000 + flow));
                s.Receive(1, frame, 0);
            }
        }

        s.ProcessPending();
        PmdStats since = s.Datapath.Pmd.Stats.Since(before);
        return (since.EmcHits, since.MegaflowHits + since.Upcalls);
    }
}
