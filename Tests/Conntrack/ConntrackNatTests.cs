using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

public sealed class ConntrackNatTests
{
    private const string Public = "198.51.100.1";

    [Fact]
    public void SNAT_translates_both_ways()
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New | CtState.SNat, b.Send(Udp("10.0.0.1", 1000, "203.0.113.9", 53), Nat(NatKind.Src, Public)));
        Assert.Equal($"{Public}:1000 > 203.0.113.9:53", Flow(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Udp));
        Assert.True(b.Last.Translated);
        Assert.Equal(Address(Public), b.Last.SrcAfter);
        Assert.Equal(EstReply | CtState.DNat, b.Send(Udp("203.0.113.9", 53, Public, 1000), Lookup(nat: true)));
        Assert.Equal("203.0.113.9:53 > 10.0.0.1:1000", Flow(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Udp));
        Assert.Equal(Est | CtState.SNat, b.Send(Udp("10.0.0.1", 1000, "203.0.113.9", 53), Lookup(nat: true)));
        Assert.Equal(EstReply, b.Send(Udp("203.0.113.9", 53, Public, 1000)));
        Assert.Equal($"203.0.113.9:53 > {Public}:1000", Flow(b.Frame));
    }

    [Theory]
    [InlineData("10.0.0.1", "172.16.0.1", "10.5.0.7")]
    [InlineData("fd00::1", "fd01::1", "fd02::7")]
    public void DNAT_translates_address_and_port(string client, string service, string server)
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New | CtState.DNat, b.Send(Tcp(client, 4000, service, 80, Syn, 100), Nat(NatKind.Dst, server, portMin: 8080)));
        Assert.Equal($"{client}:4000 > {server}:8080", Flow(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
        Assert.Equal(EstReply | CtState.SNat, b.Send(Tcp(server, 8080, client, 4000, Syn | Ack, 500, 101), Lookup(nat: true)));
        Assert.Equal($"{service}:80 > {client}:4000", Flow(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
    }

    [Fact]
    public void A_zero_UDP_checksum_stays_zero()
    {
        using var b = new CtBench();
        b.Send(Udp("10.0.0.1", 1000, "203.0.113.9", 53, checksum: false), Nat(NatKind.Src, Public, portMin: 5000));
        Assert.Equal($"{Public}:5000 > 203.0.113.9:53", Flow(b.Frame));
        Assert.Equal(0, b.Frame[L4At + 6] | b.Frame[L4At + 7]);
    }

    [Theory]
    [InlineData(1000, 1001)]
    [InlineData(65535, 1024)]
    [InlineData(2000, 2001)]
    [InlineData(511, 1)]
    [InlineData(20, 21)]
    [InlineData(700, 701)]
    [InlineData(1023, 600)]
    public void A_clash_takes_the_next_port_of_its_class(int port, int next)
    {
        using var b = new CtBench();
        foreach (string client in new[] { "10.0.0.1", "10.0.0.2" }) b.Send(Udp(client, port, "203.0.113.9", 53), Nat(NatKind.Src, Public));
        Assert.Equal($"{Public}:{next} > 203.0.113.9:53", Flow(b.Frame));
    }

    [Fact]
    public void A_port_range_is_used_up_and_then_nothing_is_translated()
    {
        using var b = new CtBench();
        HashSet<string> seen = [];
        for (int i = 1; i <= 10; i++)
        {
            b.Send(Udp("10.0.0.1", 1000 + i, "203.0.113.9", 53), Nat(NatKind.Src, Public, portMin: 5001, portMax: 5010));
            Assert.InRange((b.Frame[L4At] << 8) | b.Frame[L4At + 1], 5001, 5010);
            Assert.True(seen.Add(Flow(b.Frame)));
        }
        Assert.Equal(CtBench.New, b.Send(Udp("10.0.0.1", 2000, "203.0.113.9", 53), Nat(NatKind.Src, Public, portMin: 5001, portMax: 5010)));
        Assert.Equal("10.0.0.1:2000 > 203.0.113.9:53", Flow(b.Frame));
        Assert.Equal((-1, 10), (b.Last.ConnId, b.Ct.Count));
    }

    [Fact]
    public void An_address_range_is_used_whole()
    {
        using var b = new CtBench();
        HashSet<string> sources = [];
        for (int port = 1; port <= 200; port++)
        {
            b.Send(Udp("10.0.0.1", port, "203.0.113.9", 53), Nat(NatKind.Src, "198.51.100.10", "198.51.100.13"));
            sources.Add(Flow(b.Frame).Split(':')[0]);
        }
        Assert.Equal(["198.51.100.10", "198.51.100.11", "198.51.100.12", "198.51.100.13"], sources.Order());
    }

    /// <summary>The next free identifier of its class, as ports are chosen; answers, and errors that quote the query, find their way back.</summary>
    [Theory]
    [InlineData(7, 8)]
    [InlineData(511, 1)]
    [InlineData(1023, 600)]
    [InlineData(65_535, 1024)]
    [InlineData(0, 1)]
    public void An_ICMP_id_that_clashes_gives_way_to_the_next(int id, int next)
    {
        using var b = new CtBench();
        const string server = "203.0.113.9";
        Assert.Equal(CtBench.New | CtState.SNat, b.Send(Echo("10.0.0.1", server, id), Nat(NatKind.Src, Public)));
        Assert.Equal(id, IdOf(b.Frame));
        foreach (byte[] query in (byte[][])[Echo("10.0.0.2", server, id), Echo("10.0.0.2", server, id)])
        {
            Assert.Equal(CtState.SNat, b.Send(query, Lookup(nat: true), Nat(NatKind.Src, Public)) & CtState.SNat);
            Assert.Equal(next, IdOf(b.Frame));
            Assert.True(AreChecksumsRight(b.Frame, IpProto.Icmp));
        }

        byte[] sent = b.Frame;
        Assert.Equal(2, b.Ct.Count);
        Assert.Equal(EstReply | CtState.DNat, b.Send(Echo(server, Public, next, reply: true), Lookup(nat: true)));
        Assert.Equal(id, IdOf(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Icmp));
        Assert.Equal([10, 0, 0, 2], b.Frame[30..34]);

        Assert.Equal(Related | CtState.Rpl | CtState.DNat, b.Send(Unreachable("192.0.2.200", Public, sent, 8), Lookup(nat: true)));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Icmp));
        Assert.Equal([10, 0, 0, 2], b.Frame[54..58]);
        Assert.Equal(id, (b.Frame[66] << 8) | b.Frame[67]);
        Assert.Equal(0, Native.InternetChecksum.Compute(b.Frame.AsSpan(42, 20)));
    }

    /// <summary>Two addresses of one server, asked by one host with one identifier; and no identifier of IPv6 is changed, as in Open vSwitch.</summary>
    [Fact]
    public void An_ICMP_id_that_clashes_behind_DNAT_gives_way_too()
    {
        using var b = new CtBench();
        DpCt nat = Nat(NatKind.Dst, "10.9.9.9", portMin: 8080);
        Assert.Equal(CtBench.New | CtState.DNat, b.Send(Echo("10.0.0.1", "203.0.113.1", 700), nat));
        Assert.Equal(700, IdOf(b.Frame));
        Assert.Equal(CtBench.New | CtState.DNat, b.Send(Echo("10.0.0.1", "203.0.113.2", 700), nat));
        Assert.Equal(701, IdOf(b.Frame));
        Assert.Equal(EstReply | CtState.SNat, b.Send(Echo("10.9.9.9", "10.0.0.1", 701, reply: true), Lookup(nat: true)));
        Assert.Equal(700, IdOf(b.Frame));
        Assert.Equal([203, 0, 113, 2], b.Frame[26..30]);

        Assert.Equal(CtBench.New | CtState.SNat, b.Send(Echo("fd00::1", "fd00::9", 7), Nat(NatKind.Src, "fd01::1")));
        Assert.Equal(CtBench.New, b.Send(Echo("fd00::2", "fd00::9", 7), Nat(NatKind.Src, "fd01::1")));
    }

    /// <summary>
    /// An error may quote a first fragment of any protocol, with and without DF: it has the ports. A later fragment has none. Open vSwitch 3.6 does so, for IPv4.
    /// </summary>
    [Theory]
    [InlineData(0x2000, true)]
    [InlineData(0x6000, true)]
    [InlineData(0x2001, false)]
    [InlineData(0x0001, false)]
    public void An_error_may_quote_a_first_fragment(int fragment, bool isRelated)
    {
        foreach (byte[] query in (byte[][])[Udp("10.0.0.1", 1000, "203.0.113.9", 53, 64), Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 9, 0, 64), Echo("10.0.0.1", "203.0.113.9", 7)])
        {
            using var b = new CtBench();
            b.Send(query, Nat(NatKind.Src, Public));
            byte[] quoted = b.Frame;
            (quoted[20], quoted[21]) = ((byte)(fragment >> 8), (byte)fragment);
            Repair(quoted, 0, -1);
            CtState state = b.Send(Unreachable("192.0.2.200", Public, quoted, 8), Lookup(nat: true));
            Assert.Equal(isRelated ? Related | CtState.Rpl | CtState.DNat : Invalid, state);
            if (!isRelated) continue;
            Assert.Equal([10, 0, 0, 1], b.Frame[54..58]);
            Assert.Equal(0, Native.InternetChecksum.Compute(b.Frame.AsSpan(42, 20)));
            Assert.True(AreChecksumsRight(b.Frame, IpProto.Icmp));
        }
    }

    private static int IdOf(byte[] frame) => (frame[38] << 8) | frame[39];

    [Fact]
    public void A_reused_source_port_moves_on_while_the_old_answer_tuple_is_not_swept()
    {
        using var b = new CtBench();
        byte[] syn = Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 100);
        b.Send(syn, Nat(NatKind.Src, Public));
        b.Send(Tcp("203.0.113.9", 80, Public, 1000, Rst | Ack, 0, 101), Lookup(nat: true));
        Assert.Equal(CtBench.New | CtState.SNat, b.Send(Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 9000), Lookup(nat: true), Nat(NatKind.Src, Public)));
        Assert.Equal($"{Public}:1001 > 203.0.113.9:80", Flow(b.Frame));
        Assert.Equal(Invalid, b.Send(Tcp("203.0.113.9", 80, Public, 1000, Ack, 1, 1), Lookup(nat: true)));
        b.NowMs += 20_000;
        b.Ct.ExpireAll(b.NowMs);
        Assert.Equal(CtBench.New, b.Send(Tcp("203.0.113.9", 80, Public, 1000, Ack, 1, 1), Lookup(nat: true)));
    }

    [Theory]
    [InlineData(false, CtBench.New | CtState.DNat)]
    [InlineData(true, CtState.Trk)]
    public void A_connection_whose_NAT_changes_nothing_is_in_its_own_way_in_Open_vSwitch_3_1(bool repeats, CtState reopened)
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 4096, Quirks = repeats ? Quirks.Ovs31 : Quirks.None });
        DpCt nat = Nat(NatKind.Dst, "203.0.113.9");
        b.Send(Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 100), nat);
        b.Send(Tcp("203.0.113.9", 80, "10.0.0.1", 1000, Rst | Ack, 0, 101), Lookup(nat: true));
        Assert.Equal(reopened, b.Send(Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 9000), nat));
        Assert.Equal(repeats ? 0 : 1, b.Ct.Count);
        Assert.Equal(CtBench.New | CtState.DNat, b.Send(Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 9000), nat));
    }

    [Fact]
    public void A_reused_source_port_is_free_again_after_the_sweep()
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 4096, SweepMs = 1 });
        b.Send(Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 100), Nat(NatKind.Src, Public));
        b.Send(Tcp("203.0.113.9", 80, Public, 1000, Rst | Ack, 0, 101), Lookup(nat: true));
        b.Send(Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 9000), Lookup(nat: true), Nat(NatKind.Src, Public));
        Assert.Equal($"{Public}:1001 > 203.0.113.9:80", Flow(b.Frame));

        // Another client gets the port that the closed connection had, not the next one.
        b.NowMs++;
        b.Send(Tcp("10.0.0.2", 1000, "203.0.113.9", 80, Syn, 100), Lookup(nat: true), Nat(NatKind.Src, Public));
        Assert.Equal($"{Public}:1000 > 203.0.113.9:80", Flow(b.Frame));
    }

    [Fact]
    public void A_late_answer_is_invalid_until_the_sweep_and_new_after_it()
    {
        using var b = new CtBench();
        byte[] answer = Udp("203.0.113.9", 53, Public, 1000);
        b.Send(Udp("10.0.0.1", 1000, "203.0.113.9", 53), Nat(NatKind.Src, Public));
        b.NowMs += 59_000;
        b.Ct.Step(b.NowMs);
        b.NowMs += 1_000;
        Assert.Equal(Invalid, b.Send(answer, Lookup(nat: true)));
        Assert.Empty(b.Ct.Snapshot(b.NowMs));
        b.NowMs += 18_999;
        Assert.Equal(Invalid, b.Send(answer, Lookup(nat: true)));
        b.NowMs++;
        Assert.Equal(CtBench.New, b.Send(answer, Lookup(nat: true)));
        Assert.Equal(0, b.Ct.Count);
    }

    [Theory]
    [InlineData("10.0.0.1", "203.0.113.9", Public)]
    [InlineData("fd00::1", "fd05::9", "fd01::1")]
    public void An_ICMP_error_is_translated_inside_too(string client, string server, string nat)
    {
        using var b = new CtBench();
        b.Send(Udp(client, 1000, server, 53), Nat(NatKind.Src, nat, portMin: 5000));
        byte[] seen = b.Frame;
        Assert.Equal(Related | CtState.Rpl | CtState.DNat, b.Send(Unreachable(server, nat, seen, 18), Lookup(nat: true)));
        bool ipv6 = client.Contains(':', StringComparison.Ordinal);
        int icmpAt = ipv6 ? Ipv6L4At : L4At;
        byte[] quoted = [.. new byte[14], .. b.Frame[(icmpAt + 8)..]];
        Assert.Equal($"{client}:1000 > {server}:53", Flow(quoted));
        Assert.True(AreChecksumsRight(b.Frame, ipv6 ? IpProto.Icmpv6 : IpProto.Icmp));
        Assert.True(AreChecksumsRight(quoted, IpProto.Udp));
    }

    [Fact]
    public void A_short_quote_of_TCP_is_not_written_behind_its_end()
    {
        using var b = new CtBench();
        b.Send(Tcp("10.0.0.1", 1000, "203.0.113.9", 80, Syn, 100), Nat(NatKind.Src, Public, portMin: 5000));
        byte[] error = [.. Unreachable("203.0.113.9", Public, b.Frame, 8), 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee];
        Assert.Equal(Related | CtState.Rpl | CtState.DNat, b.Send(error, Lookup(nat: true)));
        Assert.All(b.Frame[^12..], x => Assert.Equal(0xee, x));
        Assert.Equal("10.0.0.1:1000 > 203.0.113.9:80", Flow([.. new byte[14], .. b.Frame[(L4At + 8)..]]));
    }

    [Fact]
    public void Two_zones_translate_twice()
    {
        using var b = new CtBench();
        b.Send(Udp("10.0.0.1", 1000, "172.16.0.1", 80), Nat(NatKind.Dst, "10.5.0.7", portMin: 8080, zone: 1), Nat(NatKind.Src, "10.5.0.1", zone: 2));
        Assert.Equal("10.5.0.1:1000 > 10.5.0.7:8080", Flow(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Udp));
        b.Send(Udp("10.5.0.7", 8080, "10.5.0.1", 1000), Lookup(2, nat: true), Lookup(1, nat: true));
        Assert.Equal("172.16.0.1:80 > 10.0.0.1:1000", Flow(b.Frame));
        Assert.Equal(EstReply | CtState.SNat, b.Last.State);
    }

    [Fact]
    public void Hairpin_reaches_the_client_itself()
    {
        using var b = new CtBench();
        b.Send(Udp("10.0.0.1", 1000, "172.16.0.1", 80), Nat(NatKind.Dst, "10.0.0.1", portMin: 8080, zone: 1), Nat(NatKind.Src, "172.16.0.1", zone: 2));
        Assert.Equal("172.16.0.1:1000 > 10.0.0.1:8080", Flow(b.Frame));
        b.Send(Udp("10.0.0.1", 8080, "172.16.0.1", 1000), Lookup(2, nat: true), Lookup(1, nat: true));
        Assert.Equal("172.16.0.1:80 > 10.0.0.1:1000", Flow(b.Frame));
    }

    [Fact]
    public void Force_leaves_a_translated_connection_to_its_answers()
    {
        using var b = new CtBench();
        b.Send(Udp("10.0.0.1", 1000, "203.0.113.9", 53), Nat(NatKind.Src, Public));
        Assert.Equal(EstReply, b.Send(Udp("203.0.113.9", 53, Public, 1000), Commit() with { Flags = DpCtFlags.Commit | DpCtFlags.Force }));
        Assert.Equal(Address("10.0.0.1"), b.TheConnection().Orig.Src);
    }

    [Fact]
    public void NAT_without_a_range_on_a_new_connection_does_nothing()
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New, b.Send(Udp("10.0.0.1", 1000, "203.0.113.9", 53), Commit(nat: true)));
        Assert.Equal(EstReply, b.Send(Udp("203.0.113.9", 53, "10.0.0.1", 1000), Lookup(nat: true)));
    }

    /// <summary>In 3.1 the reply tuple of such a connection has neither address nor port; a second one to the same port has no room. By default it is as without NAT.</summary>
    [Theory]
    [InlineData(true, "10.0.0.1", "10.0.0.2")]
    [InlineData(true, "fd00::1", "fd00::2")]
    [InlineData(false, "10.0.0.1", "10.0.0.2")]
    public void NAT_without_an_address_loses_the_answers_as_Open_vSwitch_does(bool repeats, string client, string server)
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 64, Quirks = repeats ? Quirks.Ovs31 : Quirks.None });
        Assert.Equal(New, b.Send(Udp(client, 1000, server, 53), Commit(nat: true)));
        Assert.Equal((repeats, 53, repeats ? 0 : 1000), (b.TheConnection().Reply.Src.IsZero, b.TheConnection().Reply.SrcPort, b.TheConnection().Reply.DstPort));
        Assert.Equal(New, b.Send(Udp(client, 1000, server, 53), Lookup(nat: true)));
        Assert.Equal(repeats ? New : EstReply, b.Send(Udp(server, 53, client, 1000), Lookup(nat: true)));
        b.Send(Udp(client, 1001, server, 53), Commit(nat: true));
        Assert.Equal(repeats ? 1 : 2, b.Ct.Count);
    }
}
