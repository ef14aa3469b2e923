using System.Text;
using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

/// <summary>Gateways: dialogs of FTP (RFC 959) and TFTP (RFC 1350), as they go over the wire.</summary>
public sealed class ConntrackAlgTests
{
    private const string Client = "10.0.0.1", Server = "10.0.0.2", Outside = "198.51.100.101", Virtual = "203.0.113.9";
    private const CtState NewRelated = CtState.Trk | CtState.New | CtState.Rel;
    private const CtState EstRelated = CtState.Trk | CtState.Est | CtState.Rel;

    [Fact]
    public void An_active_data_connection_is_related_and_inherits()
    {
        using CtBench b = Control(default);
        DpCt mark = Commit();
        (mark.Mark, mark.MarkMask) = (7, uint.MaxValue);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, ""), mark);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, "PORT 10,0,0,1,156,65\r\n"));
        Assert.Equal(1, b.Ct.ExpectationCount);
        Assert.Equal(NewRelated, b.Send(Tcp(Server, 20, Client, 40001, Syn, 9), Lookup()));
        Assert.Equal(NewRelated, b.Send(Tcp(Server, 20, Client, 40001, Syn, 9), Commit()));
        Assert.Equal(7u, b.Last.Mark);
        Assert.Equal(EstRelated | CtState.Rpl, b.Send(Tcp(Client, 40001, Server, 20, Syn | Ack, 5, 10), Lookup()));
        Assert.Equal(EstRelated, b.Send(Tcp(Server, 20, Client, 40001, Ack, 10, 6), Lookup()));
        Assert.False(b.Last.Offloadable);

        // Another port was not announced.
        Assert.Equal(New, b.Send(Tcp(Server, 20, Client, 40002, Syn, 9), Lookup()));
    }

    /// <summary>
    /// The gateway of a connection is the one that it was committed with, on whichever port; the actions behind need not name it. Open vSwitch 3.1 has
    /// forgotten it by then.
    /// </summary>
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2", "PORT 10,0,0,1,156,65\r\n", false)]
    [InlineData("fd00::1", "fd00::2", "EPRT |2|fd00::1|40001|\r\n", false)]
    [InlineData("10.0.0.1", "10.0.0.2", "PORT 10,0,0,1,156,65\r\n", true)]
    public void A_connection_keeps_its_gateway(string client, string server, string announcement, bool repeatsOvs31)
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 4096, Quirks = repeatsOvs31 ? Quirks.Ovs31 : Quirks.None });
        DpCt commit = Commit();
        commit.Flags |= DpCtFlags.AlgFtp;
        b.Send(Tcp(client, 4000, server, 2121, Syn, 100), commit);
        b.Send(Tcp(server, 2121, client, 4000, Syn | Ack, 500, 101), Lookup());
        b.Send(Tcp(client, 4000, server, 2121, Ack, 101, 501), Lookup());
        b.Send(TcpWith(client, 4000, server, 2121, Ack | Psh, 101, 501, Encoding.ASCII.GetBytes(announcement)), Lookup());
        Assert.Equal(repeatsOvs31 ? New : NewRelated, b.Send(Tcp(server, 20, client, 40001, Syn, 9), Lookup()));
    }

    /// <summary>Another gateway that an action names is asked instead, and does not know the message.</summary>
    [Fact]
    public void A_gateway_that_is_named_goes_before_the_kept_one()
    {
        using var b = new CtBench();
        DpCt ftp = Commit();
        ftp.Flags |= DpCtFlags.AlgFtp;
        b.Send(Tcp(Client, 4000, Server, 2121, Syn, 100), ftp);
        b.Send(Tcp(Server, 2121, Client, 4000, Syn | Ack, 500, 101), Lookup());
        b.Send(Tcp(Client, 4000, Server, 2121, Ack, 101, 501), Lookup());
        DpCt tftp = Lookup();
        tftp.Flags |= DpCtFlags.AlgTftp;
        b.Send(TcpWith(Client, 4000, Server, 2121, Ack | Psh, 101, 501, "PORT 10,0,0,1,156,65\r\n"u8), tftp);
        Assert.Equal(0, b.Ct.ExpectationCount);
        b.Send(TcpWith(Client, 4000, Server, 2121, Ack | Psh, 101, 501, "PORT 10,0,0,1,156,65\r\n"u8), Lookup());
        Assert.Equal(1, b.Ct.ExpectationCount);
    }

    /// <summary>Digits of the first half of a port beyond the fourth are not its digits, as in Open vSwitch; the second half may have any number.</summary>
    [Theory]
    [InlineData("PORT 10,0,0,1,0156,00000065\r\n", 40001)]
    [InlineData("PORT 10,0,0,1,000156,65\r\n", 262)]
    [InlineData("PORT 10,0,0,1,156;65\r\n", 40001)]
    [InlineData("PORT\tx (10,0,0,1,156,65)\r\n", 40001)]
    public void Ports_are_read_as_Open_vSwitch_reads_them(string message, int port)
    {
        using CtBench b = Control(default);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, message));
        Assert.Equal(NewRelated, b.Send(Tcp(Server, 20, Client, port, Syn, 9), Lookup()));
    }

    [Fact]
    public void A_related_connection_keeps_mark_and_label_of_its_control_connection()
    {
        using CtBench b = Control(default);
        DpCt set = Commit();
        (set.Mark, set.MarkMask) = (7, uint.MaxValue);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, ""), set);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, "PORT 10,0,0,1,156,65\r\n"));
        (set.Mark, set.Label, set.LabelMask) = (8, Address("::9"), Address("::ff"));
        Assert.Equal(NewRelated, b.Send(Tcp(Server, 20, Client, 40001, Syn, 9), set));
        Assert.Equal((7u, true), (b.Last.Mark, b.Last.Label.IsZero));
        b.Send(Tcp(Client, 40001, Server, 20, Syn | Ack, 5, 10), set);
        Assert.Equal((7u, true), (b.Last.Mark, b.Last.Label.IsZero));
    }

    /// <summary>A sweep ends what was announced under the tuple of an ended control connection, also by the connection that took its place.</summary>
    [Fact]
    public void What_was_announced_ends_with_the_sweep_after_its_connection()
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 64, SweepMs = 20_000 });
        DpCt commit = Commit();
        commit.Flags |= DpCtFlags.AlgFtp;
        Open(b, commit, Server);
        b.Ct.Step(b.NowMs);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, "PORT 10,0,0,1,156,65\r\n"));
        b.Send(Tcp(Client, 40000, Server, 21, Rst | Ack, 123, 501));
        b.Send(Tcp(Client, 40000, Server, 21, Syn, 100), commit);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 0, "PORT 10,0,0,1,156,66\r\n"));
        Assert.Equal(2, b.Ct.ExpectationCount);
        Assert.Equal(NewRelated, b.Send(Tcp(Server, 20, Client, 40001, Syn, 9), Lookup()));
        b.NowMs += 21_000;
        while (b.Ct.Step(b.NowMs) > 0)
        {
        }

        Assert.Equal((0, New), (b.Ct.ExpectationCount, b.Send(Tcp(Server, 20, Client, 40002, Syn, 9), Lookup())));
        Assert.Equal(1, b.Ct.Count);
    }

    [Fact]
    public void The_original_tuple_of_a_data_connection_is_the_control_connections()
    {
        using CtBench b = Control(default);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, "PORT 10,0,0,1,156,65\r\n"));
        PacketRef packet = b.Probe.Receive(Tcp(Server, 20, Client, 40001, Syn, 9));
        b.Probe.Execute(packet, Commit(), b.NowMs);
        Assert.Equal((0x0a000001u, 0x0a000002u, (ushort)40000, (ushort)21), (packet.Key.CtNwSrc.Host, packet.Key.CtNwDst.Host, packet.Key.CtTpSrc.Host, packet.Key.CtTpDst.Host));
        b.Probe.Return(packet);
    }

    [Fact]
    public void Source_NAT_rewrites_port_and_shifts_sequence_numbers()
    {
        using CtBench b = Control(Nat(NatKind.Src, Outside));
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, "PORT 10,0,0,1,156,65\r\n"), Lookup(nat: true));
        Assert.Equal("PORT 198,51,100,101,156,65\r\n", Payload(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
        Assert.Equal("198.51.100.101:40000 > 10.0.0.2:21", Flow(b.Frame));
        Assert.Equal((40 + 28, 101u), ((b.Frame[16] << 8) | b.Frame[17], Number(b.Frame, 38)));

        // "10,0,0,1" is 8 bytes long, what it became 14: the server acknowledges 6 more than the client sent.
        b.Send(Ftp(Server, Outside, 21, 40000, 501, 129, "200 PORT command successful.\r\n"), Lookup(nat: true));
        Assert.Equal((501u, 123u), (Number(b.Frame, 38), Number(b.Frame, 42)));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
        Assert.Equal("10.0.0.2:21 > 10.0.0.1:40000", Flow(b.Frame));
        Assert.Equal(Est, b.Send(Ftp(Client, Server, 40000, 21, 123, 531, "LIST\r\n"), Lookup(nat: true)) & Est);
        Assert.Equal((129u, 531u), (Number(b.Frame, 38), Number(b.Frame, 42)));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));

        // The data connection comes to the outer address and is translated back.
        Assert.Equal(NewRelated | CtState.DNat, b.Send(Tcp(Server, 20, Outside, 40001, Syn, 9), Commit(nat: true)));
        Assert.Equal("10.0.0.2:20 > 10.0.0.1:40001", Flow(b.Frame));
        Assert.Equal(EstRelated | CtState.Rpl | CtState.SNat, b.Send(Tcp(Client, 40001, Server, 20, Syn | Ack, 5, 10), Lookup(nat: true)));
        Assert.Equal("198.51.100.101:40001 > 10.0.0.2:20", Flow(b.Frame));
    }

    [Fact]
    public void A_shorter_address_shifts_the_other_way()
    {
        using CtBench b = Control(Nat(NatKind.Src, "9.9.9.9"));
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, "port 10,0,0,1,0,7\r\n"), Lookup(nat: true));
        Assert.Equal("port 9,9,9,9,0,7\r\n", Payload(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
        b.Send(Ftp(Server, "9.9.9.9", 21, 40000, 501, 119, "200 ok\r\n"), Lookup(nat: true));
        Assert.Equal(120u, Number(b.Frame, 42));
        b.Send(Ftp(Client, Server, 40000, 21, 120, 509, "PORT 10,0,0,1,0,8\r\n"), Lookup(nat: true));
        Assert.Equal(("PORT 9,9,9,9,0,8\r\n", 119u), (Payload(b.Frame), Number(b.Frame, 38)));
        b.Send(Ftp(Client, Server, 40000, 21, 139, 509, "NOOP\r\n"), Lookup(nat: true));
        Assert.Equal(137u, Number(b.Frame, 38));
    }

    [Fact]
    public void Destination_NAT_rewrites_the_passive_reply()
    {
        using CtBench b = Control(Nat(NatKind.Dst, Server), Virtual);
        b.Send(Ftp(Client, Virtual, 40000, 21, 101, 501, "PASV\r\n"), Lookup(nat: true));
        Assert.Equal("10.0.0.1:40000 > 10.0.0.2:21", Flow(b.Frame));
        b.Send(Ftp(Server, Client, 21, 40000, 501, 107, "227 Entering Passive Mode (10,0,0,2,200,10).\r\n"), Lookup(nat: true));
        Assert.Equal("227 Entering Passive Mode (203,0,113,9,200,10).\r\n", Payload(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
        Assert.Equal(NewRelated | CtState.DNat, b.Send(Tcp(Client, 40005, Virtual, 51210, Syn, 9), Commit(nat: true)));
        Assert.Equal("10.0.0.1:40005 > 10.0.0.2:51210", Flow(b.Frame));
        Assert.Equal(EstRelated | CtState.Rpl | CtState.SNat, b.Send(Tcp(Server, 51210, Client, 40005, Syn | Ack, 5, 10), Lookup(nat: true)));
        Assert.Equal("203.0.113.9:51210 > 10.0.0.1:40005", Flow(b.Frame));
    }

    [Fact]
    public void A_passive_data_connection_behind_source_NAT_goes_out_as_the_control_connection()
    {
        using CtBench b = Control(Nat(NatKind.Src, Outside));
        b.Send(Ftp(Server, Outside, 21, 40000, 501, 101, "227 Entering Passive Mode (10,0,0,2,200,10)\r\n"), Lookup(nat: true));
        Assert.Equal("227 Entering Passive Mode (10,0,0,2,200,10)\r\n", Payload(b.Frame));
        Assert.Equal(NewRelated | CtState.SNat, b.Send(Tcp(Client, 40005, Server, 51210, Syn, 9), Commit(nat: true)));
        Assert.Equal("198.51.100.101:40005 > 10.0.0.2:51210", Flow(b.Frame));
    }

    [Theory]
    [InlineData("PORT 10,0,0,9,156,65\r\n")]
    [InlineData("PORT 10,0,0,1,256,65\r\n")]
    [InlineData("PORT 10,0,0,1,156\r\n")]
    [InlineData("PORT 10,0,0,01,156,65\r\n")]
    [InlineData("PORT 10,0,0,1,00156,65\r\n")]
    [InlineData("PORT 10,0,0,1,156,-5\r\n")]
    [InlineData("PORT 10,0,0\r\n")]
    [InlineData("PORTING\r\n")]
    [InlineData("PORT \r\n")]
    public void What_announces_nothing_sensible_is_invalid(string message)
    {
        using CtBench b = Control(default);
        Assert.Equal(CtState.Inv, b.Send(Ftp(Client, Server, 40000, 21, 101, 501, message), Lookup(nat: true)) & CtState.Inv);
        Assert.Equal(0, b.Ct.ExpectationCount);
    }

    [Theory]
    [InlineData("USER anonymous\r\n")]
    [InlineData("")]
    [InlineData("226 Transfer complete.\r\n")]
    public void Other_messages_pass(string message)
    {
        using CtBench b = Control(default);
        Assert.Equal(Est, b.Send(Ftp(Client, Server, 40000, 21, 101, 501, message), Lookup(nat: true)));
        Assert.Equal((message, 0), (Payload(b.Frame), b.Ct.ExpectationCount));
    }

    /// <summary>A message in fragments is read, but no address is put into it: fragments cannot change their length. Nor does Open vSwitch.</summary>
    [Fact]
    public void A_message_in_fragments_is_read_and_stays_as_it_is()
    {
        using CtBench b = Control(Nat(NatKind.Src, Outside));
        byte[] whole = Ftp(Client, Server, 40000, 21, 101, 501, "PORT 10,0,0,1,156,65\r\n" + new string('x', 2000));
        List<byte[]> parts = Fragment(whole, 1400, 7);
        foreach (byte[] part in parts) b.Probe.Execute(b.Probe.Receive(part), Lookup(nat: true), b.NowMs);
        PacketRef[] released = b.Probe.Released();
        Assert.Equal(2, released.Length);
        Assert.Equal(parts.Select(p => p.Length), released.Select(p => p.Frame.Length));
        Assert.Equal("PORT 10,0,0,1,156,65\r\n", Payload(released[0].Frame.ToArray())[..22]);
        Assert.Equal(1, b.Ct.ExpectationCount);
        Assert.Equal(NewRelated, b.Send(Tcp(Server, 20, Outside, 40001, Syn, 9), Lookup()));
    }

    [Fact]
    public void Without_ALG_nobody_reads_the_payload()
    {
        using var b = new CtBench();
        Open(b, Commit(), Server);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, "PORT 10,0,0,1,156,65\r\n"));
        Assert.Equal(0, b.Ct.ExpectationCount);
        Assert.Equal(New, b.Send(Tcp(Server, 20, Client, 40001, Syn, 9), Lookup()));
    }

    [Fact]
    public void Expectations_go_with_the_control_connection()
    {
        using CtBench b = Control(default);
        for (int i = 0; i < 300; i++) b.Send(Ftp(Client, Server, 40000, 21, 101, 501, $"PORT 10,0,0,1,156,{i & 255}\r\n"));
        Assert.Equal(256, b.Ct.ExpectationCount);
        b.Ct.FlushAll();
        Assert.Equal(0, b.Ct.ExpectationCount);
        Assert.Equal(New, b.Send(Tcp(Server, 20, Client, 40001 & 0xff00, Syn, 9), Lookup()));
    }

    [Fact]
    public void Expectations_are_of_their_zone_and_have_an_end()
    {
        using CtBench b = Control(default);
        for (int i = 0; i < ConnTracker.MaxExpectations + 10; i++) b.Send(Ftp(Client, Server, 40000, 21, 101, 501, $"PORT 10,0,0,1,{i >> 8},{i & 255}\r\n"));
        Assert.Equal(ConnTracker.MaxExpectations, b.Ct.ExpectationCount);
        Assert.Equal(New, b.Send(Tcp(Server, 20, Client, 255, Syn, 9), Lookup(zone: 2)));
        Assert.Equal(NewRelated, b.Send(Tcp(Server, 20, Client, 255, Syn, 9), Lookup()));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void A_TFTP_transfer_is_related(string client, string server)
    {
        using var b = new CtBench();
        DpCt commit = Commit();
        commit.Flags |= DpCtFlags.AlgTftp;
        Assert.Equal(New, b.Send(Udp(client, 5000, server, 69), commit));
        Assert.Equal(NewRelated, b.Send(Udp(server, 33000, client, 5000), Commit()));
        Assert.Equal(EstRelated | CtState.Rpl, b.Send(Udp(client, 5000, server, 33000), Lookup()));
    }

    [Theory]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void A_control_connection_is_never_offloaded_and_says_why(OffloadMode mode)
    {
        using var s = new OffloadedSwitch(
            mode,
            """
            table=0,priority=9,tcp actions=ct(table=1,zone=5)
            table=1,priority=9,tcp,ct_state=+trk+new,in_port=1,tp_dst=80 actions=ct(commit,zone=5,alg=ftp),output:2
            table=1,priority=8,tcp,ct_state=+trk+est,in_port=1 actions=output:2
            table=1,priority=8,tcp,ct_state=+trk+est,in_port=2 actions=output:1
            """,
            tcpSeqChk: false);
        s.Handshake();
        for (int i = 0; i < 10; i++) Assert.Equal([2u], s.Send(1, OffloadedSwitch.Segment(false, 1001, 5001, 0x10)));
        Assert.Equal(0ul, s.Hits);
        Assert.Contains(s.Offload.Report.RefusedTotals().Sorted(), r => r.Reason == OffloadReason.Alg);
    }

    private static CtBench Control(DpCt nat, string server = Server)
    {
        var b = new CtBench();
        DpCt commit = nat.Nat == NatKind.None ? Commit() : nat;
        commit.Flags |= DpCtFlags.AlgFtp;
        Open(b, commit, server);
        return b;
    }

    /// <summary>Handshake on port 21: client at sequence number 101, server at 501.</summary>
    private static void Open(CtBench b, DpCt commit, string server)
    {
        b.Send(Tcp(Client, 40000, server, 21, Syn, 100), commit);
        string outside = Flow(b.Frame).Split(':')[0], inside = Flow(b.Frame).Split("> ")[1].Split(':')[0];
        DpCt look = Lookup(nat: true);
        Assert.Equal(Est, b.Send(Tcp(inside, 21, outside, 40000, Syn | Ack, 500, 101), look) & Est);
        Assert.Equal(Est, b.Send(Tcp(Client, 40000, server, 21, Ack, 101, 501), look) & Est);
    }

    private static byte[] Ftp(string src, string dst, int sport, int dport, uint seq, uint ack, string text)
        => TcpWith(src, sport, dst, dport, Psh | Ack, seq, ack, Encoding.ASCII.GetBytes(text));

    private static string Payload(byte[] frame) => Encoding.ASCII.GetString(frame.AsSpan(54));

    private static uint Number(byte[] frame, int at) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(at));
}
