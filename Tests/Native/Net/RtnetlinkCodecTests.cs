using System.Net;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Messages as the kernel writes them, and as nobody should.</summary>
public sealed class RtnetlinkCodecTests
{
    private static readonly byte[] s_link = Link(16, 0, [Attribute(3, "veth7\0"u8), Attribute(4, [0xdc, 5, 0, 0]), Attribute(1, [2, 0, 0, 0, 0, 7]), Attribute(16, [6]), Attribute(33, [1]), Attribute(18, Attribute(1, "veth\0"u8)), Attribute(32, [2, 0, 0, 0])]);

    private static readonly byte[] s_route = Message(24, [2, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0],
        [Attribute(1, [10, 0, 1, 0]), Attribute(5, [10, 0, 0, 1]), Attribute(4, [3, 0, 0, 0]), Attribute(7, [10, 0, 0, 9]), Attribute(6, [100, 0, 0, 0])]);

    private static readonly byte[] s_neighbor = Message(28, [10, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0x80, 1], [Attribute(1, IPAddress.Parse("fe80::1").GetAddressBytes()), Attribute(2, [2, 1, 2, 3, 4, 5])]);

    [Fact]
    public void A_link_is_read()
    {
        RtLink link = Assert.Single(Read(s_link)).Link!;
        Assert.Equal((7, "veth7", 1500, 0x020000000007UL, "veth", 2), (link.Index, link.Name, link.Mtu, link.Mac, link.Kind, link.RxQueues));
        Assert.True(link.IsUp && link.IsRunning && link.HasCarrier == true && link.OperState == RtOperState.Up);
    }

    [Fact]
    public void The_end_of_a_link_is_told_from_its_change()
    {
        Assert.False(Assert.Single(Read(s_link)).IsGone);
        Assert.True(Assert.Single(Read(Link(17, 0, [Attribute(3, "veth7\0"u8)]))).IsGone);
    }

    /// <summary>A port that leaves a bridge is told as RTM_DELLINK of family AF_BRIDGE.</summary>
    [Fact]
    public void A_port_that_leaves_a_bridge_is_still_there() => Assert.Empty(Read(Link(17, 7, [Attribute(3, "veth7\0"u8)])));

    [Fact]
    public void A_route_is_read()
    {
        RtRoute route = Assert.Single(Read(s_route)).Route!;
        Assert.Equal((IPAddress.Parse("10.0.1.0"), 24, 254U, 100U, IPAddress.Parse("10.0.0.9")), (route.Destination, route.PrefixLength, route.Table, route.Priority, route.PreferredSource));
        Assert.Equal(new RtNextHop(3, IPAddress.Parse("10.0.0.1")), Assert.Single(route.NextHops));
    }

    [Fact]
    public void A_route_of_several_ways_has_them_all()
    {
        byte[] hops = [16, 0, 0, 0, 3, 0, 0, 0, .. Attribute(5, [10, 0, 0, 1]), 16, 0, 0, 4, 5, 0, 0, 0, .. Attribute(5, [10, 0, 0, 2])];
        RtRoute route = Assert.Single(Read(Message(24, [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0], [Attribute(9, hops)]))).Route!;
        Assert.Equal([new RtNextHop(3, IPAddress.Parse("10.0.0.1")), new RtNextHop(5, IPAddress.Parse("10.0.0.2"), 5)], route.NextHops);
    }

    [Fact]
    public void A_gateway_of_the_other_family_is_read()
    {
        byte[] via = [10, 0, .. IPAddress.Parse("fe80::9").GetAddressBytes()];
        RtRoute route = Assert.Single(Read(Message(24, [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0], [Attribute(4, [3, 0, 0, 0]), Attribute(18, via)]))).Route!;
        Assert.Equal(IPAddress.Parse("fe80::9"), Assert.Single(route.NextHops).Gateway);
    }

    [Fact]
    public void A_neighbour_is_read()
    {
        RtNeighbor n = Assert.Single(Read(s_neighbor)).Neighbor!;
        Assert.Equal(new RtNeighbor(4, IPAddress.Parse("fe80::1"), 0x020102030405, RtNeighborState.Reachable, true), n);
        Assert.True(n.IsValid);
        Assert.False((n with { State = RtNeighborState.Failed }).IsValid);
    }

    [Fact]
    public void Several_messages_of_a_datagram_are_all_read() => Assert.Equal(3, Read([.. s_link, .. s_route, .. s_neighbor]).Count);

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(0x7fff_ffff)]
    [InlineData(-1)]
    public void A_message_with_a_length_that_does_not_fit_ends_the_datagram(int length)
    {
        byte[] m = [.. s_link];
        BitConverter.TryWriteBytes(m, length);
        NetlinkReader reader = new(m);
        Assert.False(reader.TryRead(out _));
        Assert.True(reader.IsMalformed);
    }

    [Fact]
    public void An_attribute_that_is_longer_than_its_message_gives_nothing()
    {
        byte[] m = [.. s_link];
        m[32] = 0xff;
        Assert.Empty(Read(m));
    }

    /// <summary>Every byte of every message, all cuts, and bytes drawn by chance: something or nothing is read, and nothing behind the end.</summary>
    [Fact]
    public void Mutated_messages_give_something_or_nothing()
    {
        Random random = new(1);
        int read = 0;
        foreach (byte[] m in new[] { s_link, s_route, s_neighbor })
        {
            for (int cut = 0; cut <= m.Length; cut++) read += Read(m[..cut]).Count;
            for (int i = 0; i < m.Length; i++)
            {
                byte[] changed = [.. m];
                foreach (byte value in new byte[] { 0, 1, 3, 4, 0x7f, 0x80, 0xff })
                {
                    changed[i] = value;
                    read += Read(changed).Count;
                }
            }

            for (int i = 0; i < 20_000; i++)
            {
                byte[] changed = [.. m];
                for (int n = random.Next(1, 6); n > 0; n--) changed[random.Next(m.Length)] = (byte)random.Next(256);
                read += Read(changed).Count;
            }
        }

        Assert.InRange(read, 1000, int.MaxValue);
    }

    [Fact]
    public void A_request_is_written_as_the_kernel_wants_it()
    {
        byte[] expected =
        [
            0x28, 0, 0, 0, 0x10, 0, 5, 0, 9, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            8, 0, 4, 0, 0x28, 0x23, 0, 0,
        ];
        Assert.Equal(expected, RtnetlinkCodec.SetMtu(7, 9000).Finish(9).ToArray());
    }

    [Fact]
    public void A_nest_is_as_long_as_what_is_in_it()
    {
        byte[] bytes = new NetlinkWriter(16, 5).BeginNest(18).Add(1, "tun").EndNest().Finish(1).ToArray();
        Assert.Equal([12, 0, 18, 0x80, 8, 0, 1, 0, (byte)'t', (byte)'u', (byte)'n', 0], bytes[16..]);
    }

    private static List<RtEvent> Read(ReadOnlySpan<byte> datagram)
    {
        List<RtEvent> told = [];
        NetlinkReader reader = new(datagram);
        while (reader.TryRead(out NetlinkMessage m))
        {
            if (RtnetlinkCodec.TryParse(m, out RtEvent? e)) told.Add(e);
        }

        return told;
    }

    private static byte[] Link(ushort type, byte family, byte[][] attributes) => Message(type, [family, 0, 1, 0, 7, 0, 0, 0, 0x43, 0, 0, 0, 0, 0, 0, 0], attributes);

    private static byte[] Message(ushort type, byte[] head, byte[][] attributes)
    {
        byte[] m = [0, 0, 0, 0, (byte)type, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, .. head, .. attributes.SelectMany(static a => a)];
        BitConverter.TryWriteBytes(m, m.Length);
        return m;
    }

    private static byte[] Attribute(ushort type, ReadOnlySpan<byte> data)
    {
        byte[] a = new byte[(data.Length + 7) & ~3];
        BitConverter.TryWriteBytes(a, (ushort)(data.Length + 4));
        BitConverter.TryWriteBytes(a.AsSpan(2), type);
        data.CopyTo(a.AsSpan(4));
        return a;
    }
}
