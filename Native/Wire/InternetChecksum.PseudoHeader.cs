using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

public static unsafe partial class InternetChecksum
{
    /// <summary>Partial sum of the IPv4 pseudo-header (RFC 793, RFC 768).</summary>
    /// <param name="sourceRaw">Source address in packet order.</param>
    /// <param name="destinationRaw">Destination address in packet order.</param>
    /// <param name="protocol">IP protocol number.</param>
    /// <param name="l4LengthBytes">Length of the transport header and its payload.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PseudoHeaderV4(uint sourceRaw, uint destinationRaw, byte protocol, ushort l4LengthBytes)
        => EndAround((ulong)sourceRaw + destinationRaw + Be16.FromHost(protocol).Raw + Be16.FromHost(l4LengthBytes).Raw);

    /// <summary>Partial sum of the pseudo-header of an IPv4 packet, its length taken from the IP header (OVS <c>packet_csum_pseudoheader</c>).</summary>
    /// <param name="ip">First byte of the IPv4 header.</param>
    public static uint PseudoHeaderV4(byte* ip)
    {
        int headerBytes = (ip[0] & 0x0f) * 4;
        int totalBytes = (ip[2] << 8) | ip[3];
        return PseudoHeaderV4(Unsafe.ReadUnaligned<uint>(ip + 12), Unsafe.ReadUnaligned<uint>(ip + 16), ip[9], (ushort)(totalBytes - headerBytes));
    }

    /// <inheritdoc cref="PseudoHeaderV4(byte*)"/>
    public static uint PseudoHeaderV4(ReadOnlySpan<byte> ip)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ip.Length, 20);
        fixed (byte* p = ip) return PseudoHeaderV4(p);
    }

    /// <summary>Partial sum of the IPv6 pseudo-header (RFC 8200 section 8.1).</summary>
    /// <param name="source">Sixteen bytes of the source address.</param>
    /// <param name="destination">Sixteen bytes of the destination address.</param>
    /// <param name="protocol">Protocol of the transport header, behind all extension headers.</param>
    /// <param name="l4LengthBytes">Length of the transport header and its payload.</param>
    public static uint PseudoHeaderV6(byte* source, byte* destination, byte protocol, uint l4LengthBytes)
    {
        uint lengthRaw = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(l4LengthBytes) : l4LengthBytes;
        ulong sum = (ulong)Be16.FromHost(protocol).Raw + lengthRaw;
        return EndAround(AddTail(destination, 16, AddTail(source, 16, sum)));
    }

    /// <summary>The checksum of an IPv6 upper-layer packet, extension headers or not (OVS <c>packet_csum_upperlayer6</c>).</summary>
    /// <param name="ip6">First byte of the IPv6 header.</param>
    /// <param name="l4">First byte of the transport header; its checksum field must be 0 to compute, and is left in to verify (result 0).</param>
    /// <param name="protocol">Protocol of the transport header.</param>
    /// <param name="l4LengthBytes">Length of the transport header and its payload.</param>
    public static ushort UpperLayer6(byte* ip6, byte* l4, byte protocol, ushort l4LengthBytes)
        => Fold(Sum(l4, l4LengthBytes, PseudoHeaderV6(ip6 + 8, ip6 + 24, protocol, l4LengthBytes)));

    /// <inheritdoc cref="UpperLayer6(byte*, byte*, byte, ushort)"/>
    public static ushort UpperLayer6(ReadOnlySpan<byte> ip6, ReadOnlySpan<byte> l4, byte protocol)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ip6.Length, 40);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(l4.Length, ushort.MaxValue);
        fixed (byte* p = ip6, q = l4) return UpperLayer6(p, q, protocol, (ushort)l4.Length);
    }
}
