using System.Buffers.Binary;

namespace Mergeflow.Tests;

/// <summary>Fragments with any offset, of datagrams that need not be possible.</summary>
internal static class FragmentTrain
{
    public const string Src4 = "10.0.0.1", Dst4 = "203.0.113.9", Src6 = "2001:db8::1", Dst6 = "2001:db8::9";

    /// <summary>One fragment; <paramref name="offset"/> in bytes, a multiple of 8, <paramref name="data"/> what it carries.</summary>
    public static byte[] Part(bool ipv6, int offset, ReadOnlySpan<byte> data, bool more, ushort id = 5, string? src = null)
    {
        if (ipv6)
        {
            byte[] body = new byte[8 + data.Length];
            body[0] = Engine.Keys.IpProto.Udp;
            BinaryPrimitives.WriteUInt16BigEndian(body.AsSpan(2), (ushort)(offset | (more ? 1 : 0)));
            BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(4), id);
            data.CopyTo(body.AsSpan(8));
            return Frames.Ip(src ?? Src6, Dst6, 44, body, -1);
        }

        byte[] f = Frames.Ip(src ?? Src4, Dst4, Engine.Keys.IpProto.Udp, data, -1);
        BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(18), id);
        BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(20), (ushort)((offset / 8) | (more ? 0x2000 : 0)));
        Frames.Repair(f, 0, -1);
        return f;
    }

    /// <summary>A UDP datagram of <paramref name="sizeBytes"/> bytes behind the IP header, without checksum over IPv4, in pieces.</summary>
    public static List<byte[]> Datagram(bool ipv6, int sizeBytes, int pieceBytes, ushort id = 5, string? src = null)
    {
        byte[] udp = Frames.Udp(src ?? (ipv6 ? Src6 : Src4), 1000, ipv6 ? Dst6 : Dst4, 53, sizeBytes - 8, checksum: ipv6)[(ipv6 ? Frames.Ipv6L4At : Frames.L4At)..];
        return Cut(ipv6, udp, pieceBytes, id, src);
    }

    public static List<byte[]> Cut(bool ipv6, byte[] l4, int pieceBytes, ushort id = 5, string? src = null)
    {
        List<byte[]> parts = [];
        for (int at = 0; at < l4.Length; at += pieceBytes)
        {
            int size = Math.Min(pieceBytes, l4.Length - at);
            parts.Add(Part(ipv6, at, l4.AsSpan(at, size), at + size < l4.Length, id, src));
        }

        return parts;
    }
}
