using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Numbers that come round, each started just before: <c>docs/long-life.md</c> has the list.</summary>
public sealed class WrapTests : IOutputSink
{
    private uint _port;

    /// <summary>
    /// A slot's generation comes to where it was when another flow was cached, in 16 bits: the old entry does not answer for the slot's new user. C is cached,
    /// its slot goes round, and when D has it with the same 16 bits, C is asked for again.
    /// </summary>
    [Fact]
    public void A_slot_that_had_so_many_users_is_not_taken_for_the_first()
    {
        using var s = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], BatchSize = 1, PacketCapacity = 64 }, this);
        var parser = new FlowTextParser();
        s.ApplyFlowMods(parser.ParseFlows("""
            ip,actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],resubmit(,1)
            table=1,ip,nw_dst=10.0.0.1,actions=output:3
            table=1,ip,nw_dst=10.0.0.3,actions=output:2
            table=1,ip,nw_dst=10.0.0.5,actions=output:3
            table=1,ip,nw_dst=10.0.0.7,actions=output:3
            """));
        Assert.Equal(3u, Send(s, "10.0.0.1"));
        Assert.Equal(2u, Send(s, "10.0.0.3"));
        Assert.Equal(2u, Send(s, "10.0.0.3"));
        MegaflowTable table = s.Datapath.Megaflows;
        Megaflow c = table.All().Single(m => m.FullKey.NwDst == Be32.FromHost(0x0a00_0003));
        ushort cached = (ushort)c.Generation;
        s.ApplyFlowMods(parser.ParseFlows("delete table=1,ip,nw_dst=10.0.0.3"));
        Assert.True(c.Dead);
        uint version = s.Datapath.Pmd.Classifier.UnionVersion;

        // 32,766 users later.
        c.Generation = 0xfffe;
        Assert.Equal(3u, Send(s, "10.0.0.5"));
        Assert.Equal(0x0a00_0005u, table[c.Id]!.FullKey.NwDst.Host);
        s.ApplyFlowMods(parser.ParseFlows("delete table=1,ip,nw_dst=10.0.0.5"));
        Assert.Equal(3u, Send(s, "10.0.0.7"));
        Assert.Equal(0x0a00_0007u, table[c.Id]!.FullKey.NwDst.Host);
        Assert.Equal(cached, (ushort)table[c.Id]!.Generation);
        s.ApplyFlowMods(parser.ParseFlows("table=1,ip,nw_dst=10.0.0.3,actions=output:2"));
        Assert.Equal(version, s.Datapath.Pmd.Classifier.UnionVersion);
        Assert.Equal(2u, Send(s, "10.0.0.3"));
    }

    [Fact]
    public void Recirculation_ids_skip_zero_and_those_in_use()
    {
        using PipelineBed bed = new("ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],ct(table=1)\ntable=1,actions=output:2");
        _ = bed.Actions(PipelineBed.Tcp("10.0.0.1"));
        uint first = bed.Result.RecircIds[0];
        Assert.True(bed.Recirc.Acquire(first));
        bed.Recirc.LastId = uint.MaxValue - 2;
        List<uint> ids = [];
        for (int i = 2; i < 8; i++)
        {
            _ = bed.Actions(PipelineBed.Tcp($"10.0.0.{i}"));
            ids.Add(bed.Result.RecircIds[0]);
            Assert.True(bed.Recirc.Acquire(ids[^1]));
        }

        Assert.Equal(1u, first);
        Assert.Equal([uint.MaxValue - 1, uint.MaxValue, 2, 3, 4, 5], ids);
    }

    [Fact]
    public void The_ring_of_traces_wraps()
    {
        var ring = new TraceRing(4);
        ring.StartAt(uint.MaxValue - 5);
        for (uint i = 0; i < 20; i++)
        {
            while (ring.TryBegin() is { } t)
            {
                t.FlowHash = i;
                ring.Publish();
            }

            Assert.Equal(4, ring.Count);
            for (int k = 0; k < 4; k++)
            {
                Assert.Equal(i, ring.Peek()!.FlowHash);
                ring.Release();
            }

            Assert.Null(ring.Peek());
        }
    }

    [Fact]
    public void The_ring_of_connections_wraps()
    {
        var ring = new ConnEventRing(4);
        ring.StartAt(uint.MaxValue - 5);
        for (int i = 0; i < 20; i++)
        {
            for (int k = 0; k < 4; k++) ring.Add(i, (uint)k);
            for (uint k = 0; k < 4; k++)
            {
                Assert.True(ring.TryTake(out ConnRef e));
                Assert.Equal((i, k), (e.ConnId, e.Generation));
            }

            Assert.True(ring.IsEmpty);
            Assert.False(ring.TakeOverflow());
        }
    }

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _port = port;

    private uint Send(Simulator s, string to)
    {
        _port = 0;
        s.Receive(1, Frames.Udp("10.0.1.1", 1, to, 2), 0);
        s.ProcessPending();
        return _port;
    }
}
