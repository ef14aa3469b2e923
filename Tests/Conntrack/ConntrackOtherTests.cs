using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

public sealed class ConntrackOtherTests
{
    public static TheoryData<string, string> Families => new() { { "10.0.0.1", "10.0.0.2" }, { "fd00::1", "fd00::2" } };

    [Theory]
    [MemberData(nameof(Families))]
    public void UDP_is_established_once_answered(string a, string z)
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New, b.Send(Udp(a, 1000, z, 53), Commit()));
        Assert.Equal(CtBench.New, b.Send(Udp(a, 1000, z, 53)));
        Assert.False(b.Last.Offloadable);
        Assert.Equal(60, b.TheConnection().TimeoutSeconds);
        Assert.Equal(EstReply, b.Send(Udp(z, 53, a, 1000)));
        Assert.True(b.Last.Offloadable);
        Assert.Equal(30, b.TheConnection().TimeoutSeconds);
        Assert.Equal(Est, b.Send(Udp(a, 1000, z, 53)));
        Assert.Equal((2u, 1u), (b.TheConnection().OrigPackets - 1, b.TheConnection().ReplyPackets));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Echo_is_a_connection_by_its_id(string a, string z)
    {
        using var b = new CtBench();
        Assert.Equal(Invalid, b.Send(Echo(z, a, 7, reply: true), Commit()));
        Assert.Equal(CtBench.New, b.Send(Echo(a, z, 7), Commit()));
        Assert.Equal(CtBench.New, b.Send(Echo(a, z, 8)));
        Assert.Equal(EstReply, b.Send(Echo(z, a, 7, reply: true)));
        Assert.Equal(Est, b.Send(Echo(a, z, 7)));
        Assert.Equal(Invalid, b.Send(Echo(z, a, 9, reply: true)));
        Assert.Equal(30, b.TheConnection().TimeoutSeconds);
        Assert.Equal((7, a.Contains(':') ? 128 : 8, a.Contains(':') ? 129 : 0), (b.TheConnection().Orig.IcmpId, b.TheConnection().Orig.IcmpType, b.TheConnection().Reply.IcmpType));
    }

    [Theory]
    [InlineData(13, true)]
    [InlineData(15, true)]
    [InlineData(17, false)]
    [InlineData(42, false)]
    public void Only_known_ICMP_queries_are_tracked(byte type, bool known)
    {
        using var b = new CtBench();
        Assert.Equal(known ? CtBench.New : Invalid, b.Send(Icmp("10.0.0.1", "10.0.0.2", type, 0, 5 << 16, [0, 0, 0, 0]), Commit()));
    }

    [Fact]
    public void Unknown_protocols_are_tracked_by_address()
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New, b.Send(Ip("10.0.0.1", "10.0.0.2", IpProto.Gre, [1, 2, 3, 4], -1), Commit()));
        Assert.Equal(EstReply, b.Send(Ip("10.0.0.2", "10.0.0.1", IpProto.Gre, [9, 9, 9, 9], -1)));
        Assert.False(b.Last.Offloadable);
    }

    [Theory]
    [InlineData(7, false)]
    [InlineData(8, true)]
    [InlineData(18, true)]
    [InlineData(19, false)]
    public void The_UDP_length_must_fit(ushort length, bool fits)
    {
        using var b = new CtBench();
        byte[] f = Udp("10.0.0.1", 1, "10.0.0.2", 2, payload: 10);
        (f[L4At + 4], f[L4At + 5]) = (0, (byte)length);
        Repair(f, IpProto.Udp, 6);
        Assert.Equal(fits ? CtBench.New : Invalid, b.Send(f, Commit()));
    }

    [Fact]
    public void A_zero_UDP_checksum_is_fine_over_IPv4_only()
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New, b.Send(Udp("10.0.0.1", 1, "10.0.0.2", 2, checksum: false), Commit()));
        Assert.Equal(Invalid, b.Send(Udp("fd00::1", 1, "fd00::2", 2, checksum: false), Commit()));
    }

    [Fact]
    public void An_expired_connection_is_gone_at_the_instant()
    {
        using var b = new CtBench();
        b.Send(Udp("10.0.0.1", 1, "10.0.0.2", 2), Commit());
        b.NowMs += 59_999;
        Assert.Equal(Est | CtState.Rpl, b.Send(Udp("10.0.0.2", 2, "10.0.0.1", 1)));
        b.NowMs += 30_000;
        Assert.Empty(b.Ct.Snapshot(b.NowMs));
        Assert.Equal(CtBench.New, b.Send(Udp("10.0.0.2", 2, "10.0.0.1", 1)));
        Assert.Equal(0, b.Ct.Count);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void An_ICMP_error_is_related_in_its_direction(string a, string z)
    {
        using var b = new CtBench();
        byte[] query = Udp(a, 1000, z, 53), answer = Udp(z, 53, a, 1000);
        Assert.Equal(Invalid, b.Send(Unreachable(z, a, query, 8)));
        b.Send(query, Commit());
        Assert.Equal(Related | CtState.Rpl, b.Send(Unreachable(z, a, query, 8)));
        Assert.Equal(Related, b.Send(Unreachable(a, z, answer, 8)));
        Assert.False(b.Last.Offloadable);
        Assert.Equal(Invalid, b.Send(Unreachable(z, a, query, 7)));
        Assert.Equal(Invalid, b.Send(Unreachable(z, a.Replace("1", "9"), query, 8)));
        Assert.Equal(60, b.TheConnection().TimeoutSeconds);
    }

    [Fact]
    public void A_timeout_policy_replaces_some_timeouts()
    {
        using var b = new CtBench(new ConntrackOptions { TimeoutPolicies = [new CtTimeoutPolicy(9, new Dictionary<CtTimeout, uint> { [CtTimeout.OtherFirst] = 5 })] });
        b.Send(Udp("10.0.0.1", 1, "10.0.0.2", 2), Commit() with { TimeoutPolicy = 9 });
        Assert.Equal(5, b.TheConnection().TimeoutSeconds);
        b.Send(Udp("10.0.0.2", 2, "10.0.0.1", 1));
        Assert.Equal(30, b.TheConnection().TimeoutSeconds);
        b.Ct.SetTimeoutPolicy(new CtTimeoutPolicy(9, new Dictionary<CtTimeout, uint> { [CtTimeout.OtherBidir] = 77 }));
        b.Send(Udp("10.0.0.2", 2, "10.0.0.1", 1));
        Assert.Equal(77, b.TheConnection().TimeoutSeconds);
    }

    /// <summary>One policy too many is refused: it must not become the default of everybody.</summary>
    [Fact]
    public void A_timeout_policy_without_room_is_refused_and_changes_nothing()
    {
        using var b = new CtBench();
        for (uint id = 1; id < TimeoutPolicies.MaxRows; id++) b.Ct.SetTimeoutPolicy(new CtTimeoutPolicy(id, new Dictionary<CtTimeout, uint> { [CtTimeout.OtherFirst] = 77 }));
        var tooMany = new CtTimeoutPolicy(TimeoutPolicies.MaxRows, new Dictionary<CtTimeout, uint> { [CtTimeout.OtherFirst] = 5 });
        Assert.Contains("timeout policy 4096", Assert.Throws<ArgumentException>(() => b.Ct.SetTimeoutPolicy(tooMany)).Message, StringComparison.Ordinal);
        b.Send(Udp("10.0.0.1", 1, "10.0.0.2", 2), Commit());
        Assert.Equal(60, b.TheConnection().TimeoutSeconds);
    }
}
