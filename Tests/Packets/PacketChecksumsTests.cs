using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

public sealed class PacketChecksumsTests
{
    /// <summary>Every recorded frame gets the verdict of a sum over its bytes, word by word.</summary>
    [Fact]
    public void Verdicts_equal_a_plain_sum()
    {
        using var pool = new PacketPool(1, 16 * 1024);
        var seen = new Dictionary<PacketFlags, int>();
        foreach ((byte[] frame, _) in ExtractVectors.All)
        {
            PacketRef packet = pool.RentRef(frame, 1);
            packet.VerifyChecksums();
            PacketFlags flags = packet.Flags & ~(PacketFlags.Parsed | PacketFlags.Snap);
            Assert.Equal(Expected(packet), flags);
            seen[flags] = seen.GetValueOrDefault(flags) + 1;
            pool.Return(packet);
        }

        Assert.True(seen[PacketFlags.IpCsumGood | PacketFlags.L4CsumGood] > 500);
        Assert.True(seen[PacketFlags.IpCsumGood | PacketFlags.L4CsumBad] > 10);
        Assert.True(seen[PacketFlags.L4CsumGood] > 100);
        Assert.True(seen[PacketFlags.IpCsumGood] > 100);
        Assert.True(seen[PacketFlags.None] > 100);
    }

    [Theory]
    [InlineData(0x0000, PacketFlags.IpCsumBad | PacketFlags.L4CsumGood)]
    [InlineData(0x1234, PacketFlags.IpCsumBad | PacketFlags.L4CsumBad)]
    public void UDP_over_IPv4_without_checksum_is_good(ushort checksum, PacketFlags expected)
    {
        using var pool = new PacketPool(1, 2048);
        byte[] frame = SampleFrames.UdpIpv4;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(40), checksum);
        PacketRef packet = pool.RentRef(frame, 1);
        packet.VerifyChecksums();
        Assert.Equal(expected, packet.Flags & ~PacketFlags.Parsed);
    }

    private static PacketFlags Expected(PacketRef packet)
    {
        FlowKey key = packet.WholeKey();
        byte[] f = packet.Frame.ToArray();
        ref Packet d = ref packet.Descriptor;
        bool isIpv4 = key.DlType.Host == EthType.Ip;
        if (d.L4Offset == Packet.NoOffset || !(isIpv4 || key.DlType.Host == EthType.Ipv6)) return PacketFlags.None;
        PacketFlags flags = PacketFlags.None;
        int l3 = d.L3Offset;
        if (isIpv4) flags |= Sum(f[l3..d.L4Offset]) == 0xffff ? PacketFlags.IpCsumGood : PacketFlags.IpCsumBad;
        byte[] l4 = f[d.L4Offset..(f.Length - d.L2PadBytes)];
        bool isTcp = key.NwProto == IpProto.Tcp && l4.Length >= 20;
        bool isUdp = key.NwProto == IpProto.Udp && l4.Length >= 8;
        if (key.NwFrag != NwFrag.No || !(isTcp || isUdp)) return flags;
        byte[] addresses = isIpv4 ? f[(l3 + 12)..(l3 + 20)] : f[(l3 + 8)..(l3 + 40)];
        byte[] pseudo = [.. addresses, 0, key.NwProto, (byte)(l4.Length >> 8), (byte)l4.Length];
        bool good = Sum([.. pseudo, .. l4]) == 0xffff;
        if (isUdp)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(l4.AsSpan(4));
            good = length >= 8 && length <= l4.Length && (good || (isIpv4 && l4[6] == 0 && l4[7] == 0));
        }

        return flags | (good ? PacketFlags.L4CsumGood : PacketFlags.L4CsumBad);
    }

    private static int Sum(byte[] bytes)
    {
        int sum = 0;
        for (int i = 0; i < bytes.Length; i++) sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        return sum;
    }
}
