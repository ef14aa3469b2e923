using System.Buffers.Binary;
using System.Net;
using System.Text;
using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

/// <summary>FTP over IPv6 (RFC 2428): EPRT and the reply 229.</summary>
public sealed class ConntrackAlgIpv6Tests
{
    private const string Client = "fd00::1", Server = "fd01::2", Outside = "2001:db8:1111:2222:3333:4444:5555:6666", Virtual = "2001:db8::80";
    private const CtState NewRelated = CtState.Trk | CtState.New | CtState.Rel;
    private const CtState EstRelated = CtState.Trk | CtState.Est | CtState.Rel;
    private const int PayloadAt = Ipv6L4At + 20;

    [Theory]
    [InlineData("EPRT |2|fd00::1|40001|\r\n")]
    [InlineData("EPRT |2|fd00::1|40001\0")]
    [InlineData("eprt |2|FD00:0:0:0:0:0:0:1|40001|\r\n")]
    [InlineData("EPRT !2!fd00::1!040001!\r\n")]
    [InlineData("EPRT2,fd00::0.0.0.1 40001x")]
    [InlineData("EPRT |2|fd00:0:0:0:0:0:0:1|40001x")]
    public void An_active_data_connection_is_related(string message)
    {
        using CtBench b = Control(Commit());
        Assert.Equal(Est, b.Send(Ftp(Client, Server, 40000, 21, 101, 501, message)));
        Assert.Equal(message, Payload(b.Frame));
        Assert.Equal(NewRelated, b.Send(Tcp(Server, 20, Client, 40001, Syn, 9), Commit()));
        Assert.Equal(EstRelated | CtState.Rpl, b.Send(Tcp(Client, 40001, Server, 20, Syn | Ack, 5, 10), Lookup()));
        Assert.Equal(New, b.Send(Tcp(Server, 20, Client, 40002, Syn, 9), Lookup()));
    }

    [Theory]
    [InlineData("229 Entering Extended Passive Mode (|||6446|)\r\n")]
    [InlineData("229 entering EXTENDED passive (006446\r\n")]
    [InlineData("229 8 9 Extended Passive ok (|||6446|)")]
    public void A_passive_data_connection_is_related(string message)
    {
        using CtBench b = Control(Commit());
        Assert.Equal(EstReply, b.Send(Ftp(Server, Client, 21, 40000, 501, 101, message)));
        Assert.Equal(NewRelated, b.Send(Tcp(Client, 40005, Server, 6446, Syn, 9), Lookup()));
        Assert.Equal(New, b.Send(Tcp("fd00::9", 40005, Server, 6446, Syn, 9), Lookup()));
    }

    [Theory]
    [InlineData("EPRT |2|fd00::9|40001|\r\n")]
    [InlineData("EPRT |1|10.0.0.1|40001|\r\n")]
    [InlineData("EPRT |22|fd00::1|40001|\r\n")]
    [InlineData("EPRT |2|fd00::1|65537|\r\n")]
    [InlineData("EPRT |2|fd00::1||\r\n")]
    [InlineData("EPRT |2|fd00::1:|40001|\r\n")]
    [InlineData("EPRT |2|:fd00::1|40001|\r\n")]
    [InlineData("EPRT |2|fd00:::1|40001|\r\n")]
    [InlineData("EPRT |2|fd00::0::1|40001|\r\n")]
    [InlineData("EPRT |2|fd00::00001|40001|\r\n")]
    [InlineData("EPRT |2|fd00:0:0:0:0:0:0:0:1|40001|\r\n")]
    [InlineData("EPRT |2|fd00:0:0:0:0:0:0::1|40001|\r\n")]
    [InlineData("EPRT |2|fd00::0.0.0.01|40001|\r\n")]
    [InlineData("EPRT |2|fd00::0.0.256.1|40001|\r\n")]
    [InlineData("EPRT |2|fd00::0.0.1|40001|\r\n")]
    [InlineData("EPRT |2||40001|\r\n")]
    [InlineData("EPRT |2|fd00::1\0|40001|\r\n")]
    [InlineData("EPRT |2")]
    [InlineData("EPRT |2|x")]
    [InlineData("EPRT\r\n")]
    [InlineData("EPRT extended passive (|||40001|)\r\n")]
    [InlineData("229 Extended Passive |||40001|\r\n")]
    [InlineData("229 Extended Passive (\r\n")]
    [InlineData("229 Extended Passive (|||70000|)\r\n")]
    public void What_announces_nothing_sensible_is_invalid(string message)
    {
        using CtBench b = Control(Commit());
        Assert.Equal(CtState.Inv, b.Send(Ftp(Client, Server, 40000, 21, 101, 501, message), Lookup(nat: true)) & CtState.Inv);
        Assert.Equal(0, b.Ct.ExpectationCount);
    }

    [Theory]
    [InlineData("PORT 10,0,0,1,156,65\r\n")]
    [InlineData("227 Entering Passive Mode (10,0,0,2,200,10)\r\n")]
    [InlineData("229 Entering Extended  Passive Mode (|||6446|)\r\n")]
    [InlineData("EPSV\r\n")]
    public void Other_messages_pass(string message)
    {
        using CtBench b = Control(Commit());
        Assert.Equal(Est, b.Send(Ftp(Client, Server, 40000, 21, 101, 501, message), Lookup(nat: true)));
        Assert.Equal((message, 0), (Payload(b.Frame), b.Ct.ExpectationCount));
    }

    /// <summary>What is cut off anywhere, or fills what is looked at exactly, is read without reaching beyond.</summary>
    [Theory]
    [InlineData("EPRT |2|fd00::1|40001|\r\n")]
    [InlineData("229 Entering Extended Passive Mode (|||6446|)\r\n")]
    public void No_length_of_a_message_is_too_short_or_too_long(string message)
    {
        for (int size = 0; size <= message.Length; size++)
        {
            using CtBench b = Control(Commit());
            b.Send(Ftp(Client, Server, 40000, 21, 101, 501, message[..size]), Lookup(nat: true));
            Assert.InRange(b.Ct.ExpectationCount, 0, 1);
        }

        for (int size = 100; size <= 140; size++)
        {
            using CtBench b = Control(Commit());
            string padded = message.Insert(message.IndexOf(' ', StringComparison.Ordinal), new string(' ', size - message.Length));
            b.Send(Ftp(Client, Server, 40000, 21, 101, 501, padded), Lookup(nat: true));
            Assert.InRange(b.Ct.ExpectationCount, 0, 1);
        }
    }

    [Theory]
    [InlineData(Outside)]
    [InlineData("2001::9")]
    [InlineData("::ffff:192.0.2.33")]
    [InlineData("fd77:0:0:5::")]
    [InlineData("2001:db8:0:1:1:1:1:1")]
    [InlineData("2001:0:0:1::1")]
    [InlineData("::1.2.3.4")]
    public void Source_NAT_rewrites_EPRT_and_shifts_sequence_numbers(string outside)
    {
        using CtBench b = Control(Nat(NatKind.Src, outside), outside: outside);
        b.Send(Ftp(Client, Server, 40000, 21, 101, 501, "EPRT |2|fd00::1|40001|\r\n"), Lookup(nat: true));
        Assert.Equal($"EPRT |2|{IPAddress.Parse(outside)}|40001|\r\n", Payload(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
        uint growth = (uint)(outside.Length - Client.Length);
        Assert.Equal((20 + 24 + growth, 101u), (BinaryPrimitives.ReadUInt16BigEndian(b.Frame.AsSpan(18)), Number(b.Frame, 4)));
        Assert.Equal(PayloadAt + 24 + (int)growth, b.Frame.Length);

        b.Send(Ftp(Server, outside, 21, 40000, 501, 125 + growth, "200 EPRT command successful.\r\n"), Lookup(nat: true));
        Assert.Equal((501u, 125u), (Number(b.Frame, 4), Number(b.Frame, 8)));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
        b.Send(Ftp(Client, Server, 40000, 21, 125, 531, "LIST\r\n"), Lookup(nat: true));
        Assert.Equal((125u + growth, 531u), (Number(b.Frame, 4), Number(b.Frame, 8)));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));

        Assert.Equal(NewRelated | CtState.DNat, b.Send(Tcp(Server, 20, outside, 40001, Syn, 9), Commit(nat: true)));
        Assert.Equal(Flow(Tcp(Server, 20, Client, 40001, Syn)), Flow(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
    }

    [Fact]
    public void Destination_NAT_leaves_the_passive_reply_and_translates_the_data_connection()
    {
        using CtBench b = Control(Nat(NatKind.Dst, Server), Virtual);
        const string Message = "229 Entering Extended Passive Mode (|||51210|)\r\n";
        b.Send(Ftp(Server, Client, 21, 40000, 501, 101, Message), Lookup(nat: true));
        Assert.Equal(Message, Payload(b.Frame));
        Assert.True(AreChecksumsRight(b.Frame, IpProto.Tcp));
        Assert.Equal(NewRelated | CtState.DNat, b.Send(Tcp(Client, 40005, Virtual, 51210, Syn, 9), Commit(nat: true)));
        Assert.Equal(Flow(Tcp(Client, 40005, Server, 51210, Syn)), Flow(b.Frame));
    }

    private static CtBench Control(DpCt commit, string server = Server, string outside = Client)
    {
        var b = new CtBench();
        commit.Flags |= DpCtFlags.AlgFtp;
        b.Send(Tcp(Client, 40000, server, 21, Syn, 100), commit);
        Assert.Equal(Est, b.Send(Tcp(Server, 21, outside, 40000, Syn | Ack, 500, 101), Lookup(nat: true)) & Est);
        Assert.Equal(Est, b.Send(Tcp(Client, 40000, server, 21, Ack, 101, 501), Lookup(nat: true)) & Est);
        return b;
    }

    private static byte[] Ftp(string src, string dst, int sport, int dport, uint seq, uint ack, string text)
        => TcpWith(src, sport, dst, dport, Psh | Ack, seq, ack, Encoding.ASCII.GetBytes(text));

    private static string Payload(byte[] frame) => Encoding.ASCII.GetString(frame.AsSpan(PayloadAt));

    private static uint Number(byte[] frame, int at) => BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(Ipv6L4At + at));
}
