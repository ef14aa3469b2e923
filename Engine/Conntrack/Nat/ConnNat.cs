using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// Address and port rewrites of NAT, in the bytes and in the parsed key. Checksums are updated, not recomputed (RFC 1624): a wrong one
/// stays wrong by the same amount; a UDP checksum of 0 stays 0, one that becomes 0 is written as 0xffff.
/// </summary>
internal static unsafe class ConnNat
{
    private const int TcpChecksumAt = 16;
    private const int UdpChecksumAt = 6;
    private const int Icmp6ChecksumAt = 2;
    private const int IcmpChecksumAt = 2;
    private const int IcmpIdAt = 4;

    /// <summary>Sets the source or destination of an IPv4 packet.</summary>
    public static void SetIpv4(Packet* packet, byte* l3, byte* l4, int l4SizeBytes, bool source, uint address)
    {
        WriteIpv4(l3, l4, l4SizeBytes, source, address);
        uint* field = source ? (uint*)&packet->Key.NwSrc : (uint*)&packet->Key.NwDst;
        *field = address;
    }

    /// <summary>The same in the bytes only.</summary>
    public static void WriteIpv4(byte* l3, byte* l4, int l4SizeBytes, bool source, uint address)
    {
        byte* field = l3 + (source ? 12 : 16);
        uint old = Unsafe.ReadUnaligned<uint>(field);
        byte proto = l3[9];
        if (proto == IpProto.Tcp && l4SizeBytes >= 20)
        {
            Update32(l4 + TcpChecksumAt, old, address);
        }
        else if (proto == IpProto.Udp && l4SizeBytes >= 8 && Unsafe.ReadUnaligned<ushort>(l4 + UdpChecksumAt) != 0)
        {
            Update32(l4 + UdpChecksumAt, old, address);
            KeepUdpChecksum(l4);
        }
        Update32(l3 + 10, old, address);
        Unsafe.WriteUnaligned(field, address);
    }

    /// <summary>Sets the source or destination of an IPv6 packet.</summary>
    public static void SetIpv6(Packet* packet, byte* l3, byte* l4, int l4SizeBytes, byte proto, bool source, Ipv6Address* address)
    {
        WriteIpv6(l3, l4, l4SizeBytes, proto, source, address);
        if (source) packet->Key.Ipv6Src = *address;
        else packet->Key.Ipv6Dst = *address;
    }

    /// <summary>The same in the bytes only.</summary>
    public static void WriteIpv6(byte* l3, byte* l4, int l4SizeBytes, byte proto, bool source, Ipv6Address* address)
    {
        byte* field = l3 + (source ? 8 : 24);
        if (proto == IpProto.Tcp && l4SizeBytes >= 20)
        {
            Update128(l4 + TcpChecksumAt, field, (byte*)address);
        }
        else if (proto == IpProto.Udp && l4SizeBytes >= 8 && Unsafe.ReadUnaligned<ushort>(l4 + UdpChecksumAt) != 0)
        {
            Update128(l4 + UdpChecksumAt, field, (byte*)address);
            KeepUdpChecksum(l4);
        }
        else if (proto == IpProto.Icmpv6 && l4SizeBytes >= 4)
        {
            Update128(l4 + Icmp6ChecksumAt, field, (byte*)address);
        }
        Unsafe.CopyBlockUnaligned(field, address, 16);
    }

    /// <summary>Sets both ports of a TCP or UDP packet.</summary>
    public static void SetPorts(Packet* packet, byte* l4, byte proto, ushort src, ushort dst)
    {
        if (proto is not (IpProto.Tcp or IpProto.Udp)) return;
        WritePorts(l4, int.MaxValue, proto, src, dst);
        *(ushort*)&packet->Key.TpSrc = src;
        *(ushort*)&packet->Key.TpDst = dst;
    }

    /// <summary>The same in the bytes only; the checksum is left alone if it lies beyond <paramref name="l4SizeBytes"/>.</summary>
    public static void WritePorts(byte* l4, int l4SizeBytes, byte proto, ushort src, ushort dst)
    {
        byte* checksum = proto == IpProto.Tcp ? l4 + TcpChecksumAt : l4 + UdpChecksumAt;
        bool hasChecksum = proto == IpProto.Tcp
            ? l4SizeBytes >= TcpChecksumAt + 2
            : l4SizeBytes >= UdpChecksumAt + 2 && Unsafe.ReadUnaligned<ushort>(checksum) != 0;
        SetPort(l4, src, hasChecksum ? checksum : null);
        SetPort(l4 + 2, dst, hasChecksum ? checksum : null);
        if (hasChecksum && proto == IpProto.Udp) KeepUdpChecksum(l4);
    }

    /// <summary>Sets the identifier of an ICMP query of at least eight bytes. The parsed key does not have it.</summary>
    public static void WriteIcmpId(byte* l4, ushort id) => SetPort(l4 + IcmpIdAt, id, l4 + IcmpChecksumAt);

    private static void SetPort(byte* field, ushort port, byte* checksum)
    {
        ushort old = Unsafe.ReadUnaligned<ushort>(field);
        if (old == port) return;
        if (checksum != null)
        {
            Unsafe.WriteUnaligned(checksum, InternetChecksum.Recalc16(Unsafe.ReadUnaligned<ushort>(checksum), old, port));
        }
        Unsafe.WriteUnaligned(field, port);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Update32(byte* checksum, uint old, uint value)
        => Unsafe.WriteUnaligned(checksum, InternetChecksum.Recalc32(Unsafe.ReadUnaligned<ushort>(checksum), old, value));

    private static void Update128(byte* checksum, byte* old, byte* value)
    {
        for (int i = 0; i < 16; i += 4) Update32(checksum, Unsafe.ReadUnaligned<uint>(old + i), Unsafe.ReadUnaligned<uint>(value + i));
    }

    private static void KeepUdpChecksum(byte* l4)
    {
        if (Unsafe.ReadUnaligned<ushort>(l4 + UdpChecksumAt) == 0) Unsafe.WriteUnaligned(l4 + UdpChecksumAt, (ushort)0xffff);
    }
}
