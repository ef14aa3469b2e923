using System.Buffers.Binary;
using System.Net;
using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary>Ethernet frames built by hand, with right lengths and checksums unless a test damages them.</summary>
internal static class Frames
{
    public const byte Fin = 1, Syn = 2, Rst = 4, Psh = 8, Ack = 16, Urg = 32;
    public const int Ipv4At = 14, L4At = 34, Ipv6L4At = 54;

    public static byte[] Tcp(string src, int sport, string dst, int dport, byte flags, uint seq = 0, uint ack = 0, int payload = 0, ushort window = 0xffff)
        => TcpWith(src, sport, dst, dport, flags, seq, ack, new byte[payload], window);

    public static byte[] TcpWith(string src, int sport, string dst, int dport, byte flags, uint seq, uint ack, ReadOnlySpan<byte> payload, ushort window = 0xffff)
    {
        byte[] l4 = new byte[20 + payload.Length];
        payload.CopyTo(l4.AsSpan(20));
        Ports(l4, sport, dport);
        BinaryPrimitives.WriteUInt32BigEndian(l4.AsSpan(4), seq);
        BinaryPrimitives.WriteUInt32BigEndian(l4.AsSpan(8), ack);
        l4[12] = 0x50;
        l4[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(l4.AsSpan(14), window);
        return Ip(src, dst, IpProto.Tcp, l4, 16);
    }

    public static byte[] Udp(string src, int sport, string dst, int dport, int payload = 10, bool checksum = true)
    {
        byte[] l4 = new byte[8 + payload];
        Ports(l4, sport, dport);
        BinaryPrimitives.WriteUInt16BigEndian(l4.AsSpan(4), (ushort)l4.Length);
        for (int i = 8; i < l4.Length; i++) l4[i] = (byte)i;
        return Ip(src, dst, IpProto.Udp, l4, checksum ? 6 : -1);
    }

    public static byte[] Echo(string src, string dst, int id, bool reply = false)
    {
        bool ipv6 = src.Contains(':', StringComparison.Ordinal);
        byte type = (ipv6, reply) switch { (false, false) => 8, (false, true) => 0, (true, false) => 128, _ => 129 };
        return Icmp(src, dst, type, 0, (uint)id << 16, [1, 2, 3, 4]);
    }

    /// <summary>ICMP or ICMPv6, by the family of the addresses; <paramref name="rest"/> is the second word of the header.</summary>
    public static byte[] Icmp(string src, string dst, byte type, byte code, uint rest, ReadOnlySpan<byte> data)
    {
        byte[] l4 = new byte[8 + data.Length];
        l4[0] = type;
        l4[1] = code;
        BinaryPrimitives.WriteUInt32BigEndian(l4.AsSpan(4), rest);
        data.CopyTo(l4.AsSpan(8));
        bool ipv6 = src.Contains(':', StringComparison.Ordinal);
        return Ip(src, dst, ipv6 ? IpProto.Icmpv6 : IpProto.Icmp, l4, 2);
    }

    /// <summary>A port-unreachable that quotes <paramref name="l4Bytes"/> bytes of L4 of an offending frame.</summary>
    public static byte[] Unreachable(string src, string dst, ReadOnlySpan<byte> offending, int l4Bytes)
    {
        bool ipv6 = src.Contains(':', StringComparison.Ordinal);
        return Icmp(src, dst, ipv6 ? (byte)1 : (byte)3, ipv6 ? (byte)4 : (byte)3, 0, offending.Slice(Ipv4At, (ipv6 ? 40 : 20) + l4Bytes));
    }

    /// <summary>IPv4 or IPv6 around an L4 part; its checksum is written at <paramref name="checksumAt"/> unless that is negative.</summary>
    public static byte[] Ip(string src, string dst, byte proto, ReadOnlySpan<byte> l4, int checksumAt)
    {
        byte[] s = IPAddress.Parse(src).GetAddressBytes(), d = IPAddress.Parse(dst).GetAddressBytes();
        bool ipv6 = s.Length == 16;
        int header = ipv6 ? 40 : 20;
        byte[] f = new byte[14 + header + l4.Length];
        f[0] = f[6] = 2;
        Span<byte> ip = f.AsSpan(14);
        l4.CopyTo(ip[header..]);
        if (ipv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(12), EthType.Ipv6);
            ip[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)l4.Length);
            ip[6] = proto;
            ip[7] = 64;
            s.CopyTo(ip[8..]);
            d.CopyTo(ip[24..]);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(12), EthType.Ip);
            ip[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(20 + l4.Length));
            ip[8] = 64;
            ip[9] = proto;
            s.CopyTo(ip[12..]);
            d.CopyTo(ip[16..]);
        }
        Repair(f, proto, checksumAt);
        return f;
    }

    /// <summary>Recomputes the IP checksum and the L4 checksum at <paramref name="checksumAt"/> of the L4 header.</summary>
    public static void Repair(Span<byte> frame, byte proto, int checksumAt)
    {
        Span<byte> ip = frame[14..];
        bool ipv6 = ip[0] >> 4 == 6;
        Span<byte> l4 = ip[(ipv6 ? 40 : 20)..];
        if (!ipv6)
        {
            ip[10] = ip[11] = 0;
            BinaryPrimitives.WriteUInt16LittleEndian(ip[10..], InternetChecksum.Compute(ip[..20]));
        }
        if (checksumAt < 0) return;
        l4[checksumAt] = l4[checksumAt + 1] = 0;
        uint seed = proto == IpProto.Icmp ? 0 : ipv6 ? InternetChecksum.PseudoHeaderV6(ip) : InternetChecksum.PseudoHeaderV4(ip);
        BinaryPrimitives.WriteUInt16LittleEndian(l4[checksumAt..], InternetChecksum.Fold(InternetChecksum.Sum(l4, seed)));
    }

    /// <summary>Cuts an IPv4 frame into fragments of <paramref name="dataBytes"/> bytes of data, a multiple of 8.</summary>
    public static List<byte[]> Fragment(byte[] frame, int dataBytes, ushort id)
    {
        List<byte[]> fragments = [];
        ReadOnlySpan<byte> data = frame.AsSpan(L4At);
        for (int at = 0; at < data.Length; at += dataBytes)
        {
            int size = Math.Min(dataBytes, data.Length - at);
            byte[] f = new byte[L4At + size];
            frame.AsSpan(0, L4At).CopyTo(f);
            data.Slice(at, size).CopyTo(f.AsSpan(L4At));
            BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(16), (ushort)(20 + size));
            BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(18), id);
            BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(20), (ushort)((at / 8) | (at + size < data.Length ? 0x2000 : 0)));
            Repair(f, 0, -1);
            fragments.Add(f);
        }
        return fragments;
    }

    private static void Ports(Span<byte> l4, int sport, int dport)
    {
        BinaryPrimitives.WriteUInt16BigEndian(l4, (ushort)sport);
        BinaryPrimitives.WriteUInt16BigEndian(l4[2..], (ushort)dport);
    }
}
