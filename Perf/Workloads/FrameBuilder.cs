using System.Buffers.Binary;

namespace Mergeflow.Perf;

/// <summary>Builds 60-byte (64 on the wire) Ethernet/IPv4/TCP or UDP frames with right checksums.</summary>
public static class FrameBuilder
{
    /// <summary>Length of every frame in bytes, without FCS.</summary>
    public const int FrameBytes = 60;

    /// <summary>One frame. Addresses and ports in host order; <paramref name="flags"/>, <paramref name="seq"/> and <paramref name="ack"/> are for TCP.</summary>
    public static byte[] Build(uint src, uint dst, int sport, int dport, int proto = 17, byte flags = 0x10, uint seq = 1000, uint ack = 2000, int frameBytes = FrameBytes)
    {
        byte[] f = new byte[frameBytes];
        Span<byte> b = f;
        b[0] = 2;
        b[5] = 2;
        b[6] = 2;
        b[11] = 1;
        b[12] = 8;
        int l4Length = proto == 17 || frameBytes > FrameBytes ? frameBytes - 34 : 20;
        Span<byte> ip = b.Slice(14, 20);
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(20 + l4Length));
        ip[6] = 0x40;
        ip[8] = 64;
        ip[9] = (byte)proto;
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], src);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], dst);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(Sum(ip, 0)));
        Span<byte> l4 = b.Slice(34, l4Length);
        BinaryPrimitives.WriteUInt16BigEndian(l4, (ushort)sport);
        BinaryPrimitives.WriteUInt16BigEndian(l4[2..], (ushort)dport);
        int checksumAt;
        if (proto == 17)
        {
            BinaryPrimitives.WriteUInt16BigEndian(l4[4..], (ushort)l4Length);
            checksumAt = 6;
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(l4[4..], seq);
            BinaryPrimitives.WriteUInt32BigEndian(l4[8..], ack);
            l4[12] = 0x50;
            l4[13] = flags;
            BinaryPrimitives.WriteUInt16BigEndian(l4[14..], 8192);
            checksumAt = 16;
        }

        uint pseudo = Sum(ip[12..20], (uint)(proto + l4Length));
        ushort c = Checksum(Sum(l4, pseudo));
        if (proto == 17 && c == 0) c = 0xffff;
        BinaryPrimitives.WriteUInt16BigEndian(l4[checksumAt..], c);
        return f;
    }

    private static uint Sum(ReadOnlySpan<byte> bytes, uint seed)
    {
        uint s = seed;
        for (int i = 0; i + 1 < bytes.Length; i += 2) s += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        if ((bytes.Length & 1) != 0) s += (uint)bytes[^1] << 8;
        return s;
    }

    private static ushort Checksum(uint sum)
    {
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
