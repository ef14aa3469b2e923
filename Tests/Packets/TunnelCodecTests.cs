using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class TunnelCodecTests : IDisposable
{
    private readonly PacketPool _pool = new(2, 2048);

    public void Dispose() => _pool.Dispose();

    [Theory]
    [InlineData(TunnelKind.Vxlan, false, TunnelFlags.Key)]
    [InlineData(TunnelKind.Vxlan, false, TunnelFlags.Key | TunnelFlags.Checksum)]
    [InlineData(TunnelKind.Vxlan, true, TunnelFlags.Key | TunnelFlags.Checksum)]
    [InlineData(TunnelKind.Geneve, false, TunnelFlags.Key | TunnelFlags.Oam)]
    [InlineData(TunnelKind.Geneve, true, TunnelFlags.Key | TunnelFlags.Checksum)]
    [InlineData(TunnelKind.Gre, false, TunnelFlags.None)]
    [InlineData(TunnelKind.Gre, false, TunnelFlags.Key)]
    [InlineData(TunnelKind.Gre, true, TunnelFlags.Key | TunnelFlags.Checksum)]
    public void Pop_undoes_push(TunnelKind kind, bool isIpv6, TunnelFlags flags)
    {
        DpSetTunnel tunnel = Tunnel(isIpv6, flags);
        TunnelHeader header = TunnelHeader.Build(kind, EthAddress.FromUInt64(0x0aaa), EthAddress.FromUInt64(0x0bbb), tunnel, 4789);
        foreach (byte[] frame in SampleFrames.All)
        {
            PacketRef packet = _pool.RentRef(frame, 3);
            Assert.True(packet.PushTunnel(header, 0x8000_0000));
            packet.VerifyChecksums();
            Assert.Equal(0, (int)(packet.Flags & (PacketFlags.IpCsumBad | PacketFlags.L4CsumBad)));
            FlowKey outer = packet.WholeKey();
            Assert.Equal(64, outer.NwTtl);
            Assert.Equal(3u, outer.InPort.Host);
            Assert.Equal(0, packet.Descriptor.L2PadBytes);
            if (kind != TunnelKind.Gre) Assert.Equal(46_884, outer.TpSrc.Host);
            Assert.True(packet.TryPopTunnel(kind));
            Assert.Equal(frame, packet.Frame.ToArray());
            packet.EnsureParsed();
            FlowKey inner = packet.WholeKey();
            Assert.Equal((flags & TunnelFlags.Key) != 0 ? 0x1234u : 0, inner.TunId.Host);
            Assert.Equal((ushort)flags, inner.TunFlags.Host);
            Assert.Equal((tunnel.Src, tunnel.Dst, tunnel.Tos, tunnel.Ttl), (inner.TunSrc, inner.TunDst, inner.TunTos, inner.TunTtl));
            Assert.Equal((tunnel.Ipv6Src, tunnel.Ipv6Dst), (inner.TunIpv6Src, inner.TunIpv6Dst));
            Assert.Equal(PacketPool.HeadroomSizeBytes, packet.Descriptor.HeadroomBytes);
            _pool.Return(packet);
        }
    }

    [Fact]
    public void VXLAN_bytes_are_those_of_RFC_7348()
    {
        TunnelHeader header = TunnelHeader.Build(TunnelKind.Vxlan, EthAddress.FromUInt64(0xa), EthAddress.FromUInt64(0xb), Tunnel(false, TunnelFlags.Key), 4789);
        PacketRef packet = _pool.RentRef(new byte[60], 1);
        packet.PushTunnel(header, 0);
        Assert.Equal(
            "00000000000B00000000000A0800" + "45040060000000004011",
            Convert.ToHexString(packet.Frame[..24]));
        Assert.Equal("0A0000010A000002" + "800012B5004C0000" + "0800000000123400", Convert.ToHexString(packet.Frame[26..50]));
    }

    [Theory]
    [InlineData(42, 0x09)] // reserved flag
    [InlineData(49, 0x01)] // reserved byte behind the VNI
    [InlineData(18, 0x01)] // IP checksum no longer right
    [InlineData(20, 0x20)] // fragment
    public void Unsound_VXLAN_is_refused(int offset, byte value)
    {
        TunnelHeader header = TunnelHeader.Build(TunnelKind.Vxlan, default, default, Tunnel(false, TunnelFlags.Key), 4789);
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        packet.PushTunnel(header, 0);
        packet.Frame[offset] = value;
        Assert.False(packet.TryPopTunnel(TunnelKind.Vxlan));
    }

    [Fact]
    public void Outer_padding_is_not_part_of_the_inner_frame()
    {
        TunnelHeader header = TunnelHeader.Build(TunnelKind.Gre, default, default, Tunnel(false, TunnelFlags.None), 0);
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        packet.PushTunnel(header, 0);
        PacketRef padded = _pool.RentRef([.. packet.Frame, 1, 2, 3], 1);
        Assert.True(padded.TryPopTunnel(TunnelKind.Gre));
        Assert.Equal(SampleFrames.UdpIpv4, padded.Frame.ToArray());
    }

    [Fact]
    public void Push_without_headroom_is_refused()
    {
        TunnelHeader header = TunnelHeader.Build(TunnelKind.Vxlan, default, default, Tunnel(true, TunnelFlags.Key), 4789);
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        Assert.True(packet.PushTunnel(header, 0));
        byte[] before = packet.Frame.ToArray();
        Assert.False(packet.PushTunnel(header, 0));
        Assert.Equal(before, packet.Frame.ToArray());
    }

    /// <summary>Any bytes: a verdict, no fault, and never more bytes than there were.</summary>
    [Fact]
    public void Pop_is_total()
    {
        var random = new Random(5);
        using var block = new GuardedBlock(4096);
        int popped = 0;
        for (int i = 0; i < 200_000; i++)
        {
            var kind = (TunnelKind)random.Next(3);
            TunnelHeader header = TunnelHeader.Build(kind, default, default, Tunnel(random.Next(2) == 0, (TunnelFlags)random.Next(16)), 4789);
            byte[] frame = [.. header.Bytes, .. new byte[random.Next(80)]];
            PacketRef packet = _pool.RentRef([], 1);
            if (random.Next(2) == 0)
            {
                PacketRef good = _pool.RentRef(frame[header.LengthBytes..], 1);
                good.PushTunnel(header, 1);
                frame = good.Frame.ToArray();
                _pool.Return(good);
            }

            for (int m = random.Next(3); m > 0; m--) frame[random.Next(Math.Min(frame.Length, 80))] = (byte)random.Next(256);
            if (random.Next(3) == 0) frame = frame[..random.Next(frame.Length)];
            Span<byte> region = block.AtEnd(frame.Length + Packet.ReadableTailroomBytes);
            frame.CopyTo(region);
            packet.PointAt(region[..frame.Length], 1);
            bool isPopped = packet.TryPopTunnel(kind);
            if (isPopped) popped++;
            Assert.InRange(packet.Frame.Length, 0, isPopped ? frame.Length - 38 : frame.Length);
            packet.EnsureParsed();
            _pool.Return(packet);
        }

        Assert.True(popped > 10_000, $"only {popped} packets were sound");
    }

    private static DpSetTunnel Tunnel(bool isIpv6, TunnelFlags flags)
    {
        var tunnel = new DpSetTunnel { Id = Be64.FromHost(0x1234), Ttl = 64, Tos = 4, Flags = Be16.FromHost((ushort)flags) };
        if (isIpv6)
        {
            tunnel.Ipv6Src = Ipv6Address.FromUInt128((UInt128)0xfd00 << 112 | 1);
            tunnel.Ipv6Dst = Ipv6Address.FromUInt128((UInt128)0xfd00 << 112 | 2);
        }
        else
        {
            tunnel.Src = Be32.FromHost(0x0a000001);
            tunnel.Dst = Be32.FromHost(0x0a000002);
        }

        return tunnel;
    }
}
