using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

public sealed class ConntrackZoneTests
{
    private static readonly byte[] s_query = Udp("10.0.0.1", 1000, "10.0.0.2", 53);
    private static readonly byte[] s_answer = Udp("10.0.0.2", 53, "10.0.0.1", 1000);

    [Fact]
    public void Zones_do_not_know_each_other()
    {
        using var b = new CtBench();
        b.Send(s_query, Commit(1));
        Assert.Equal(CtBench.New, b.Send(s_answer, Lookup(2)));
        Assert.Equal(EstReply, b.Send(s_answer, Lookup(1)));
        Assert.Equal(CtBench.New, b.Send(s_answer, Lookup(1), Lookup(2)));
        b.Send(s_query, Commit(2));
        Assert.Equal(2, b.Ct.Count);
        b.Ct.FlushZone(1);
        Assert.Equal(2, b.TheConnection().Zone);
        Assert.True(b.Ct.FlushTuple(2, b.TheConnection().Orig, b.NowMs));
        Assert.Equal(0, b.Ct.Count);
    }

    [Fact]
    public void Mark_and_label_are_set_under_their_masks()
    {
        using var b = new CtBench();
        DpCt set = Commit() with
        {
            Mark = 0x1200,
            MarkMask = 0xff00,
            Label = Ipv6Address.FromUInt128((UInt128)0xab << 120),
            LabelMask = Ipv6Address.FromUInt128((UInt128)0xff << 120),
        };
        b.Send(s_query, set);
        b.Send(s_query, Commit() with { Mark = 0x34, MarkMask = 0xff });
        Assert.True(b.Last.Changed);
        Assert.Equal(0x1234u, b.Last.Mark);
        b.Send(s_query, Commit() with { Mark = 0x34, MarkMask = 0xff });
        Assert.False(b.Last.Changed);
        b.Send(s_answer);
        Assert.Equal(0x1234u, b.Last.Mark);
        Assert.Equal((UInt128)0xab << 120, b.Last.Label.ToUInt128());
        Assert.Equal(0x1234u, b.TheConnection().Mark);
    }

    [Fact]
    public void The_original_tuple_stays_that_of_the_first_packet()
    {
        using var b = new CtBench();
        b.Send(s_query, Commit());
        PacketRef packet = b.Probe.Receive(s_answer);
        b.Probe.Execute(packet, Lookup(), b.NowMs);
        FlowKey key = packet.WholeKey();
        Assert.Equal((0x0a000001u, 0x0a000002u, 1000, 53, IpProto.Udp), (key.CtNwSrc.Host, key.CtNwDst.Host, key.CtTpSrc.Host, key.CtTpDst.Host, key.CtNwProto));
        ConntrackProbe.Clear(packet);
        key = packet.WholeKey();
        Assert.Equal((CtState.None, (byte)0, 0u), (key.CtState, key.CtNwProto, key.CtNwSrc.Host));
    }

    [Fact]
    public void Force_turns_a_connection_round()
    {
        using var b = new CtBench();
        b.Send(s_query, Commit());
        Assert.Equal(EstReply, b.Send(s_answer, Commit()));
        Assert.Equal(CtBench.New, b.Send(s_answer, Commit() with { Flags = DpCtFlags.Commit | DpCtFlags.Force }));
        Assert.Equal(53, b.TheConnection().Orig.SrcPort);
        Assert.True(b.Last.Changed);
        Assert.Equal(EstReply, b.Send(s_query, Lookup()));
    }

    [Fact]
    public void The_second_lookup_in_a_zone_does_not_count_twice()
    {
        using var b = new CtBench();
        b.Send(s_query, Commit());
        b.Send(s_query, Lookup(), Commit() with { Mark = 5, MarkMask = 0xff });
        Assert.True(b.Last.Cached);
        Assert.Equal((2u, 5u), (b.TheConnection().OrigPackets, b.TheConnection().Mark));
        b.Send(s_query, Lookup(nat: true), Commit());
        Assert.False(b.Last.Cached);
        Assert.Equal(4u, b.TheConnection().OrigPackets);
    }

    [Fact]
    public void A_zone_limit_holds_new_connections_back()
    {
        using var b = new CtBench();
        b.Send(s_query, Commit(3));
        b.Ct.SetZoneLimit(3, 1);
        Assert.Equal((1u, 0u), b.Ct.GetZoneLimit(3));
        Assert.Equal(CtBench.New, b.Send(Udp("10.0.0.1", 1, "10.0.0.2", 2), Commit(3)));
        Assert.True(b.Last.ConnId > 0);
        Assert.Equal(CtBench.New, b.Send(Udp("10.0.0.1", 1, "10.0.0.2", 3), Commit(3)));
        Assert.Equal(-1, b.Last.ConnId);
        b.Send(Udp("10.0.0.1", 1, "10.0.0.2", 3), Commit(4));
        Assert.True(b.Last.ConnId > 0);
        b.NowMs += 60_000;
        Assert.Equal(3, b.Ct.ExpireAll(b.NowMs));
        b.Send(Udp("10.0.0.1", 1, "10.0.0.2", 3), Commit(3));
        Assert.True(b.Last.ConnId > 0);
        Assert.Equal((1u, 1u), b.Ct.GetZoneLimit(3));
    }

    [Fact]
    public void The_default_limit_holds_for_each_zone_without_one()
    {
        using var b = new CtBench();
        b.Ct.DefaultLimit = 1;
        foreach (ushort zone in new ushort[] { 1, 2 })
        {
            b.Send(s_query, Commit(zone));
            Assert.True(b.Last.ConnId > 0);
            b.Send(Udp("10.0.0.1", 9, "10.0.0.2", 9), Commit(zone));
            Assert.Equal(-1, b.Last.ConnId);
        }
    }

    /// <summary>As Open vSwitch 3.1 does; a zone with a limit of its own does not count.</summary>
    [Fact]
    public void In_version_3_1_zones_share_the_default_limit()
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 64, Quirks = Quirks.Ovs31 });
        b.Ct.DefaultLimit = 2;
        b.Ct.SetZoneLimit(9, 1);
        foreach ((ushort zone, bool isAdmitted) in new (ushort, bool)[] { (1, true), (9, true), (2, true), (3, false), (9, false) })
        {
            b.Send(Udp("10.0.0.1", 100 + b.Ct.Count, "10.0.0.2", 9), Commit(zone));
            Assert.Equal(isAdmitted, b.Last.ConnId > 0);
        }
        Assert.Equal(((2u, 2u), (1u, 1u)), (b.Ct.GetZoneLimit(3), b.Ct.GetZoneLimit(9)));
        b.Ct.FlushZone(2);
        b.Send(s_query, Commit(3));
        Assert.True(b.Last.ConnId > 0);
    }

    /// <summary>A connection that has ended keeps its place in the zone until the sweep, so one that takes up its tuple finds none.</summary>
    [Fact]
    public void An_ended_connection_counts_until_the_sweep()
    {
        using var b = new CtBench();
        b.Ct.SetZoneLimit(1, 1);
        b.OpenTcp();
        b.Ct.Step(b.NowMs);
        b.Send(Forward(Rst | Ack, 101, 501), Lookup());
        Assert.Equal(CtBench.New, b.Send(Forward(Syn, 9000, 0), Commit()));
        Assert.Equal((-1, (1u, 1u)), (b.Last.ConnId, b.Ct.GetZoneLimit(1)));
        b.NowMs += 21_000;
        b.Ct.Step(b.NowMs);
        Assert.Equal(CtBench.New, b.Send(Forward(Syn, 9000, 0), Commit()));
        Assert.True(b.Last.ConnId > 0);
    }

    [Fact]
    public void A_full_table_refuses_until_something_expires()
    {
        using var b = new CtBench(new ConntrackOptions { CapacityConnections = 2 });
        for (int port = 1; port <= 3; port++) b.Send(Udp("10.0.0.1", port, "10.0.0.2", 53), Commit());
        Assert.Equal((CtBench.New, -1), (b.Last.State, b.Last.ConnId));
        Assert.Equal((2, 1ul), (b.Ct.Count, b.Ct.RefusedConnections));
        Assert.Equal((1ul, 0ul, 0ul), (b.Ct.RefusedByFullTable, b.Ct.RefusedByZoneLimit, b.Ct.RefusedByNat));
        b.NowMs += 61_000;
        b.Send(Udp("10.0.0.1", 3, "10.0.0.2", 53), Commit());
        Assert.True(b.Last.ConnId > 0);
    }
}
