using System.Buffers.Binary;
using System.Net;

namespace Mergeflow.Tests;

/// <summary>Builds frames with right checksums, computed the long way round.</summary>
internal sealed class NicFrame
{
    public const byte Tcp = 6;
    public const byte Udp = 17;

    private readonly List<byte> _link = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

    public static NicFrame New() => new();

    public static byte[] TcpIpv4(ushort src = 1000, ushort dst = 80, byte flags = 0x10, string from = "10.0.0.1", string to = "10.0.0.2", byte ttl = 64, int payload = 10)
        => New().Ipv4(from, to, Tcp, TcpSegment(src, dst, flags, payload), ttl);

    public static byte[] UdpIpv4(ushort src = 1000, ushort dst = 53, string from = "10.0.0.1", string to = "10.0.0.2", byte ttl = 64, int payload = 10)
        => New().Ipv4(from, to, Udp, UdpDatagram(src, dst, payload), ttl);

    public static byte[] TcpIpv6(ushort src = 1000, ushort dst = 80, byte flags = 0x10, string from = "fd00::1", string to = "fd00::2")
        => New().Ipv6(from, to, Tcp, TcpSegment(src, dst, flags, 10));

    public static byte[] TcpSegment(ushort src, ushort dst, byte flags, int payload)
    {
        byte[] s = new byte[20 + payload];
        BinaryPrimitives.WriteUInt16BigEndian(s, src);
        BinaryPrimitives.WriteUInt16BigEndian(s.AsSpan(2), dst);
        BinaryPrimitives.WriteUInt32BigEndian(s.AsSpan(4), 0x01020304);
        s[12] = 0x50;
        s[13] = flags;
        for (int i = 20; i < s.Length; i++) s[i] = (byte)(i * 7);
        return s;
    }

    public static byte[] UdpDatagram(ushort src, ushort dst, int payload)
    {
        byte[] s = new byte[8 + payload];
        BinaryPrimitives.WriteUInt16BigEndian(s, src);
        BinaryPrimitives.WriteUInt16BigEndian(s.AsSpan(2), dst);
        BinaryPrimitives.WriteUInt16BigEndian(s.AsSpan(4), (ushort)s.Length);
        for (int i = 8; i < s.Length; i++) s[i] = (byte)(i * 5);
        return s;
    }

    public NicFrame Vlan(ushort tci, ushort tpid = 0x8100)
    {
        _link.AddRange([(byte)(tpid >> 8), (byte)tpid, (byte)(tci >> 8), (byte)tci]);
        return this;
    }

    public byte[] Type(ushort type, ReadOnlySpan<byte> payload) => [.. _link, (byte)(type >> 8), (byte)type, .. payload];

    public byte[] Ipv4(string from, string to, byte proto, byte[] l4, byte ttl = 64, byte tos = 0, ushort fragment = 0)
    {
        byte[] h = new byte[20];
        h[0] = 0x45;
        h[1] = tos;
        BinaryPrimitives.WriteUInt16BigEndian(h.AsSpan(2), (ushort)(20 + l4.Length));
        BinaryPrimitives.WriteUInt16BigEndian(h.AsSpan(6), fragment);
        h[8] = ttl;
        h[9] = proto;
        IPAddress.Parse(from).GetAddressBytes().CopyTo(h, 12);
        IPAddress.Parse(to).GetAddressBytes().CopyTo(h, 16);
        BinaryPrimitives.WriteUInt16BigEndian(h.AsSpan(10), Checksum(h));
        return Type(0x0800, [.. h, .. WithChecksum(l4, proto, h.AsSpan(12, 8))]);
    }

    public byte[] Ipv6(string from, string to, byte proto, byte[] l4, byte hop = 64, byte trafficClass = 0)
    {
        byte[] h = new byte[40];
        BinaryPrimitives.WriteUInt32BigEndian(h, 0x6000_0000 | ((uint)trafficClass << 20));
        BinaryPrimitives.WriteUInt16BigEndian(h.AsSpan(4), (ushort)l4.Length);
        h[6] = proto;
        h[7] = hop;
        IPAddress.Parse(from).GetAddressBytes().CopyTo(h, 8);
        IPAddress.Parse(to).GetAddressBytes().CopyTo(h, 24);
        return Type(0x86dd, [.. h, .. WithChecksum(l4, proto, h.AsSpan(8, 32))]);
    }

    /// <summary>RFC 1071 over bytes whose checksum field is zero.</summary>
    public static ushort Checksum(params ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            sum += i % 2 == 0 ? (uint)bytes[i] << 8 : bytes[i];
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return (ushort)~sum;
    }

    /// <summary>Sets the checksum of an IPv4 header without options right behind Ethernet.</summary>
    public static void SetIpv4Checksum(Span<byte> frame)
    {
        const int header = 14, headerBytes = 20, checksum = header + 10;
        frame.Slice(checksum, 2).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(frame[checksum..], Checksum(frame.Slice(header, headerBytes)));
    }

    private static byte[] WithChecksum(byte[] l4, byte proto, ReadOnlySpan<byte> addresses)
    {
        byte[] s = [.. l4];
        int at = proto switch
        {
            Tcp => 16,
            Udp => 6,
            1 or 58 => 2,
            _ => -1,
        };
        if (at < 0 || s.Length < at + 2) return s;
        byte[] pseudo = proto == 1 ? [] : [.. addresses, 0, proto, (byte)(s.Length >> 8), (byte)s.Length];
        ushort sum = Checksum([.. pseudo, .. s]);
        if (proto == Udp && sum == 0) sum = 0xffff;
        BinaryPrimitives.WriteUInt16BigEndian(s.AsSpan(at), sum);
        return s;
    }
}
