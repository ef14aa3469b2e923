using System.Globalization;
using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

/// <summary>
/// Which timeout holds after each packet. Recorded from Open vSwitch 3.1.0 with a zone policy in which every value is another one: udp_first=11
/// udp_single=12 udp_multiple=13 icmp_first=14 icmp_reply=15 tcp_syn_sent=16 tcp_syn_recv=17 tcp_established=18 tcp_fin_wait=19 tcp_time_wait=21
/// tcp_close=22.
/// </summary>
public sealed class ConntrackTimeoutPolicyTests
{
    private const string Client = "10.0.0.1", Server = "10.0.0.2";

    private static readonly CtTimeoutPolicy s_policy = new(9, new Dictionary<CtTimeout, uint>
    {
        [CtTimeout.OtherFirst] = 11,
        [CtTimeout.OtherMultiple] = 12,
        [CtTimeout.OtherBidir] = 13,
        [CtTimeout.IcmpFirst] = 14,
        [CtTimeout.IcmpReply] = 15,
        [CtTimeout.TcpFirstPacket] = 16,
        [CtTimeout.TcpOpening] = 17,
        [CtTimeout.TcpEstablished] = 18,
        [CtTimeout.TcpClosing] = 19,
        [CtTimeout.TcpFinWait] = 21,
        [CtTimeout.TcpClosed] = 22,
    });

    [Theory]
    [InlineData("udp", "c=11 c=12 s=13 c=13")]
    [InlineData("icmp", "c=14 c=14 s=15 c=15")]
    [InlineData("gre", "c=11 c=12 s=13")]
    [InlineData("tcp", "cS=16 sSA=17 cA=18 cPA=18 cFA=19 sA=19 sFA=21 cA=22")]
    [InlineData("tcp", "cS=16 cS=16 sRA=22")]
    [InlineData("tcp", "cS=16 sSA=17 cA=18 sRA=22")]
    [InlineData("tcp", "cS=16 sSA=17 cA=18 sFA=19 cA=19 cFA=21")]
    [InlineData("tcp", "cA=16 sA=17 cA=18")]
    [InlineData("tcp", "cS=16 cA=17 sA=17")]
    [InlineData("tcp", "cFA=16 sA=17")]
    [InlineData("tcp", "cS=16 sS=16 cSA=17 sSA=18")]
    public void Each_state_has_the_timeout_that_was_recorded(string protocol, string steps)
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 16, TimeoutPolicies = [s_policy] });
        uint clientSeq = 100, serverSeq = 500;
        foreach (string step in steps.Split(' '))
        {
            string[] parts = step.Split('=');
            bool fromClient = parts[0][0] == 'c';
            string flags = parts[0][1..];
            (string src, string dst) = fromClient ? (Client, Server) : (Server, Client);
            (int sport, int dport) = fromClient ? (1000, 80) : (80, 1000);
            byte[] frame = protocol switch
            {
                "udp" => Udp(src, sport, dst, dport),
                "icmp" => Echo(src, dst, 7, reply: !fromClient),
                "gre" => Ip(src, dst, 47, new byte[8], -1),
                _ => Tcp(src, sport, dst, dport, Flags(flags), fromClient ? clientSeq : serverSeq, flags.Contains('A') ? fromClient ? serverSeq : clientSeq : 0),
            };
            uint length = (flags.Contains('S') ? 1u : 0) + (flags.Contains('F') ? 1u : 0);
            if (fromClient) clientSeq += length;
            else serverSeq += length;
            b.Send(frame, Commit() with { TimeoutPolicy = 9 });
            Assert.Equal(long.Parse(parts[1], CultureInfo.InvariantCulture), b.TheConnection().TimeoutSeconds);
        }
    }

    [Fact]
    public void Without_its_policy_a_connection_is_under_the_default_from_its_next_packet_on()
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 16, TimeoutPolicies = [s_policy] });
        b.Send(Udp(Client, 1000, Server, 53), Commit() with { TimeoutPolicy = 9 });
        Assert.True(b.Ct.RemoveTimeoutPolicy(9));
        Assert.Equal(11, b.TheConnection().TimeoutSeconds);
        b.Send(Udp(Client, 1000, Server, 53), Lookup());
        Assert.Equal(60, b.TheConnection().TimeoutSeconds);
        b.Send(Udp(Server, 53, Client, 1000), Lookup());
        Assert.Equal(30, b.TheConnection().TimeoutSeconds);
    }

    [Fact]
    public void A_zone_has_a_policy_for_connections_that_begin_from_then_on()
    {
        using var b = new CtBench(new ConntrackOptions { Seed = 7, CapacityConnections = 16, TimeoutPolicies = [s_policy] });
        b.Ct.SetZoneTimeouts(5, 9);
        b.Send(Udp(Client, 1000, Server, 53), Commit() with { Zone = 5 });
        b.Send(Udp(Client, 1001, Server, 53), Commit() with { Zone = 6 });
        b.Ct.SetZoneTimeouts(5, 0);
        b.Send(Udp(Client, 1002, Server, 53), Commit() with { Zone = 5 });
        Assert.Equal([11, 60, 60], b.Ct.Snapshot(b.NowMs).OrderBy(static c => c.Orig.SrcPort).Select(static c => c.TimeoutSeconds));
    }

    private static byte Flags(string text)
    {
        byte flags = 0;
        foreach (char c in text) flags |= c switch { 'S' => Syn, 'A' => Ack, 'F' => Fin, 'R' => Rst, _ => Psh };
        return flags;
    }
}
