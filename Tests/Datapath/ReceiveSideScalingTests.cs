using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Which queue a frame comes by.</summary>
public sealed class ReceiveSideScalingTests
{
    private readonly ReceiveSideScaling _symmetric = new(7, isSymmetric: true);
    private readonly ReceiveSideScaling _asymmetric = new(7, isSymmetric: false);

    [Fact]
    public void Directions_meet_or_part()
    {
        int met = 0;
        for (ushort client = 1000; client < 1200; client++)
        {
            byte[] request = OffloadedSwitch.Segment(false, 1, 1, 0x10, client: client), reply = OffloadedSwitch.Segment(true, 1, 1, 0x10, client: client);
            Assert.Equal(_symmetric.HashOf(request), _symmetric.HashOf(reply));
            if (_asymmetric.HashOf(request) % 2 == _asymmetric.HashOf(reply) % 2) met++;
        }

        Assert.InRange(met, 60, 140);
    }

    [Fact]
    public void Flows_spread_and_every_packet_of_a_flow_keeps_its_queue()
    {
        int[] flows = new int[4];
        for (ushort client = 1000; client < 1400; client++)
        {
            uint hash = _symmetric.HashOf(OffloadedSwitch.Segment(false, 1, 1, 0x02, client: client));
            Assert.Equal(hash, _symmetric.HashOf(OffloadedSwitch.Segment(false, 99, 7, 0x18, payload: 100, client: client)));
            flows[hash % 4]++;
        }

        Assert.All(flows, static n => Assert.InRange(n, 60, 140));
        Assert.NotEqual(
            Enumerable.Range(1000, 64).Select(c => _symmetric.HashOf(OffloadedSwitch.Segment(false, 1, 1, 0x10, client: (ushort)c)) % 2),
            Enumerable.Range(1000, 64).Select(static c => new ReceiveSideScaling(8, isSymmetric: true).HashOf(OffloadedSwitch.Segment(false, 1, 1, 0x10, client: (ushort)c)) % 2));
    }

    [Fact]
    public void Fragments_of_a_datagram_stay_together_and_a_tag_changes_nothing()
    {
        byte[] whole = OffloadedSwitch.Segment(false, 1, 1, 0x10, payload: 200);
        byte[] first = [.. whole], later = [.. whole];
        BinaryPrimitives.WriteUInt16BigEndian(first.AsSpan(20), 0x2000);
        BinaryPrimitives.WriteUInt16BigEndian(later.AsSpan(20), 0x0010);
        later.AsSpan(34, 4).Fill(0xee);
        Assert.Equal(_asymmetric.HashOf(first), _asymmetric.HashOf(later));
        byte[] tagged = [.. whole[..12], 0x81, 0, 0, 5, .. whole[12..]];
        Assert.Equal(_asymmetric.HashOf(whole), _asymmetric.HashOf(tagged));
    }

    [Fact]
    public void Fragments_of_IPv6_stay_together()
    {
        Assert.Equal(_symmetric.HashOf(Ipv6(44, [6, 0, 0, 1, 1, 2, 3, 4, 10, 11, 12, 13])), _symmetric.HashOf(Ipv6(44, [6, 0, 1, 0, 1, 2, 3, 4, 20, 21, 22, 23])));

        // The ports stand behind an extension header.
        Assert.Equal(_symmetric.HashOf(Ipv6(6, [10, 11, 12, 13])), _symmetric.HashOf(Ipv6(0, [6, 0, 0, 0, 0, 0, 0, 0, 10, 11, 12, 13])));
        Assert.NotEqual(_symmetric.HashOf(Ipv6(6, [10, 11, 12, 13])), _symmetric.HashOf(Ipv6(6, [10, 11, 12, 14])));
    }

    [Fact]
    public void Any_bytes_have_a_hash()
    {
        byte[][] frames = [OffloadedSwitch.Segment(false, 1, 1, 0x10), Ipv6(0, [43, 255, 0, 0, 0, 0, 0, 0]), Ipv6(44, [6]), [.. Enumerable.Repeat((byte)0xff, 60)], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0, 0, 1, 0x81, 0, 0, 1, 8, 0, 0x4f]];
        foreach (byte[] frame in frames)
        {
            for (int length = 0; length <= frame.Length; length++) _symmetric.HashOf(frame.AsSpan(0, length));
        }

        Assert.Equal(0u, _symmetric.HashOf([]));
    }

    private static byte[] Ipv6(byte next, byte[] rest) =>
        [.. new byte[12], 0x86, 0xdd, 0x60, 0, 0, 0, 0, (byte)rest.Length, next, 64, .. Enumerable.Range(0, 32).Select(static i => (byte)i), .. rest];
}
