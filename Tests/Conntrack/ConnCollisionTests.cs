using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using Xunit;
using static Mergeflow.Tests.CtBench;

namespace Mergeflow.Tests;

/// <summary>
/// Tuples that meet in one bucket of the connection table under one signature and differ in a single byte: only the comparison tells them apart. The
/// table is small (8 buckets) and its seed known, so that such tuples are found in an instant.
/// </summary>
public sealed class ConnCollisionTests
{
    private const ulong Seed = 7;
    private const ulong BucketMask = 7;

    /// <summary>A signature is the upper 16 bits of the hash, the lowest of them set.</summary>
    private const int SignatureShift = 49;

    private const int ProtoAt = 12;

    private static readonly ConnHash s_hash = new(Seed);

    /// <summary>Bytes of <c>ConnKey</c> that hold addresses, ports, protocol and zone.</summary>
    public static TheoryData<int> Bytes => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ProtoAt, 14, 15];

    [Theory]
    [MemberData(nameof(Bytes))]
    public void A_connection_is_for_its_own_tuple_only(int at)
    {
        (ConnKey own, ConnKey other) = Meeting(at);
        using CtBench b = Bench();
        Assert.Equal(New, b.Send(FrameOf(own), Commit(own.Zone)));
        AssertUnknown(b, other);
        Assert.Equal(EstReply, b.Send(FrameOf(own.Reverse()), Lookup(own.Zone)));
        AssertUnknown(b, other);

        // Both in one bucket: each finds its own.
        Assert.Equal(New, b.Send(FrameOf(other), Commit(other.Zone)));
        int second = b.Last.ConnId;
        Assert.Equal(Est, b.Send(FrameOf(own), Lookup(own.Zone)));
        Assert.NotEqual(second, b.Last.ConnId);
        Assert.Equal(EstReply, b.Send(FrameOf(other.Reverse(), isAnswer: true), Lookup(other.Zone)));
        Assert.Equal(second, b.Last.ConnId);
    }

    /// <summary>The IPv4 addresses are the digests of the IPv6 ones: the keys differ in the bit that says IPv6.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Families_are_apart(bool isIpv6Own)
    {
        Random random = new(1);
        ConnKey v4, v6;
        Ipv6Address src, dst;
        do
        {
            src = RandomIpv6(random);
            dst = RandomIpv6(random);
            v4 = new ConnKey { Src = s_hash.OfAddress(src), Dst = s_hash.OfAddress(dst), SrcPort = 0x0101, DstPort = 0x0202, Proto = IpProto.Udp, Zone = 1 };
            v6 = v4;
            v6.Aux = ConnKey.AuxIpv6;
        }
        while (!Meet(v4, v6));

        byte[] there4 = FrameOf(v4), back4 = FrameOf(v4.Reverse());
        byte[] there6 = Udp(Text(src), v4.SrcPort, Text(dst), v4.DstPort), back6 = Udp(Text(dst), v4.DstPort, Text(src), v4.SrcPort);
        (byte[] own, byte[] answer) = isIpv6Own ? (there6, back6) : (there4, back4);
        (byte[] other, byte[] reverse) = isIpv6Own ? (there4, back4) : (there6, back6);
        using CtBench b = Bench();
        Assert.Equal(New, b.Send(own, Commit()));
        Assert.Equal([New, New], [b.Send(other), b.Send(reverse)]);
        Assert.Equal(EstReply, b.Send(answer));
        Assert.Equal([New, New], [b.Send(other), b.Send(reverse)]);
    }

    /// <summary>Keys of IPv6 hold 32-bit digests: with equal ones the keys are equal, and only the addresses differ.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Addresses_with_one_digest_are_apart(bool isDestination)
    {
        (string own, string other) = WithOneDigest();
        using CtBench b = Bench();
        byte[] Packet(string address, bool isBack) => isDestination ^ isBack ? Udp("fd00::1", isBack ? 2 : 1, address, isBack ? 1 : 2) : Udp(address, isBack ? 2 : 1, "fd00::1", isBack ? 1 : 2);
        Assert.Equal(New, b.Send(Packet(own, isBack: false), Commit()));
        Assert.Equal([New, New], [b.Send(Packet(other, isBack: false)), b.Send(Packet(other, isBack: true))]);
        Assert.Equal(EstReply, b.Send(Packet(own, isBack: true)));
        Assert.Equal([New, New], [b.Send(Packet(other, isBack: false)), b.Send(Packet(other, isBack: true))]);
        Assert.Equal(Est, b.Send(Packet(own, isBack: false)));
    }

    /// <summary>Both ends have one digest and one port, so both directions have one key: the addresses say which it is.</summary>
    [Fact]
    public void Directions_with_one_key_are_apart()
    {
        (string a, string z) = WithOneDigest();
        using CtBench b = Bench();
        Assert.Equal(New, b.Send(Udp(a, 7, z, 7), Commit()));
        Assert.Equal(EstReply, b.Send(Udp(z, 7, a, 7)));
        Assert.Equal(Est, b.Send(Udp(a, 7, z, 7)));
        Assert.Equal(EstReply, b.Send(Udp(z, 7, a, 7)));
    }

    /// <summary>The kinds of ICMP queries are in a few bits of one byte.</summary>
    [Fact]
    public void Kinds_of_queries_are_apart()
    {
        Random random = new(1);
        ConnKey echo, timestamp;
        do
        {
            ushort id = (ushort)random.Next(1, 0x10000);
            echo = new ConnKey { Src = (uint)random.Next(), Dst = (uint)random.Next(), SrcPort = id, DstPort = id, Proto = IpProto.Icmp, Zone = 1 };
            timestamp = echo;
            Assert.True(ConnKey.TryAuxOfIcmpType(8, ipv6: false, out echo.Aux) && ConnKey.TryAuxOfIcmpType(13, ipv6: false, out timestamp.Aux));
        }
        while (!Meet(echo, timestamp));

        using CtBench b = Bench();
        Assert.Equal(New, b.Send(Query(echo, 8), Commit()));
        Assert.Equal(New, b.Send(Query(timestamp, 13)));
        Assert.Equal(Invalid, b.Send(Query(timestamp.Reverse(), 14)));

        // An answer in the direction of the question has the same hash always.
        Assert.Equal(Invalid, b.Send(Query(echo, 0)));
        Assert.Equal(EstReply, b.Send(Query(echo.Reverse(), 0)));
    }

    private static CtBench Bench() => new(new ConntrackOptions { CapacityConnections = 4, Seed = Seed });

    private static void AssertUnknown(CtBench b, ConnKey key)
    {
        Assert.Equal(New, b.Send(FrameOf(key), Lookup(key.Zone)));
        Assert.Equal(New, b.Send(FrameOf(key.Reverse()), Lookup(key.Zone)));
    }

    private static bool Meet(in ConnKey a, in ConnKey b)
    {
        ulong difference = s_hash.OfKey(a) ^ s_hash.OfKey(b);
        return (difference & BucketMask) == 0 && difference >> SignatureShift == 0;
    }

    /// <summary>Two UDP tuples that meet and differ in byte <paramref name="at"/>; where that is the protocol, the other is TCP.</summary>
    private static (ConnKey Own, ConnKey Other) Meeting(int at)
    {
        Random random = new(at);
        for (; ; )
        {
            ConnKey own = new()
            {
                Src = (uint)random.NextInt64(1L << 32),
                Dst = (uint)random.NextInt64(1L << 32),
                SrcPort = (ushort)random.Next(1, 0x10000),
                DstPort = (ushort)random.Next(1, 0x10000),
                Proto = IpProto.Udp,
                Zone = (ushort)random.Next(1, 0x10000),
            };
            for (int value = 0; value < 256; value++)
            {
                if (at == ProtoAt && value != IpProto.Tcp) continue;
                ConnKey other = own;
                ref byte b = ref MemoryMarshal.AsBytes(new Span<ConnKey>(ref other))[at];
                if (b == value) continue;
                b = (byte)value;
                if (other.SrcPort != 0 && other.DstPort != 0 && Meet(own, other)) return (own, other);
            }
        }
    }

    private static (string First, string Second) WithOneDigest()
    {
        Random random = new(1);
        Dictionary<uint, Ipv6Address> seen = [];
        for (; ; )
        {
            Ipv6Address address = RandomIpv6(random);
            uint digest = s_hash.OfAddress(address);
            if (!seen.TryAdd(digest, address) && seen[digest] != address) return (Text(seen[digest]), Text(address));
        }
    }

    private static Ipv6Address RandomIpv6(Random random) => Ipv6Address.FromUInt128(new UInt128(0x2001_0db8_0000_0000, (ulong)random.NextInt64()));

    private static byte[] FrameOf(in ConnKey key, bool isAnswer = false) => key.Proto == IpProto.Udp
        ? Udp(Text(key.Src), key.SrcPort, Text(key.Dst), key.DstPort)
        : Frames.Tcp(Text(key.Src), Host(key.SrcPort), Text(key.Dst), Host(key.DstPort), isAnswer ? (byte)(Frames.Syn | Frames.Ack) : Frames.Syn, 100, isAnswer ? 101u : 0);

    private static byte[] Query(in ConnKey key, byte type) => Frames.Icmp(Text(key.Src), Text(key.Dst), type, 0, (uint)Host(key.SrcPort) << 16, new byte[12]);

    private static byte[] Udp(string src, ushort sport, string dst, ushort dport) => Frames.Udp(src, Host(sport), dst, Host(dport));

    private static byte[] Udp(string src, int sport, string dst, int dport) => Frames.Udp(src, sport, dst, dport);

    private static ushort Host(ushort port) => BinaryPrimitives.ReverseEndianness(port);

    private static string Text(uint address) => new IPAddress(address).ToString();

    private static string Text(Ipv6Address address) => new IPAddress(MemoryMarshal.AsBytes(new ReadOnlySpan<Ipv6Address>(in address))).ToString();
}
