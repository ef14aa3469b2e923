using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <summary>
/// Packets that stand for several frames of a TCP or UDP flow: what a device cuts them into, done in software where no device does it (Linux <c>tcp_gso_segment</c>,
/// <c>__udp_gso_segment</c>, <c>inet_gso_segment</c>). Their checksum is always partial.
/// </summary>
public static unsafe class SuperFrame
{
    private const int EthernetHeaderBytes = 14, TagBytes = 4, TcpHeaderBytes = 20, UdpHeaderBytes = 8, Ipv4HeaderBytes = 20, Ipv6HeaderBytes = 40;
    private const byte FinAndPush = 0x09, Cwr = 0x80;

    /// <summary>Bytes of all headers in front of the payload.</summary>
    /// <returns>Null if they are cut off, or no IP header stands in front of the transport header: it can be neither cut nor sent.</returns>
    public static int? HeaderBytes(Packet* packet)
    {
        int l4 = PartialChecksum.StartOf(packet);
        bool isUdp = packet->GsoType == VirtioNetHeader.GsoUdp;
        if (l4 + (isUdp ? UdpHeaderBytes : TcpHeaderBytes) > packet->LengthBytes || NetworkOffset(packet->Data, l4) is null) return null;
        int header = isUdp ? l4 + UdpHeaderBytes : l4 + Math.Max(TcpHeaderBytes, (packet->Data[l4 + 12] >> 4) * 4);
        return header <= packet->LengthBytes ? header : null;
    }

    /// <summary>The longest frame that it is cut into; of another packet its length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WireLengthBytes(Packet* packet) => packet->GsoSizeBytes == 0 ? packet->LengthBytes : LongestBytes(packet);

    /// <summary>Frames that it is cut into.</summary>
    public static int CountOf(Packet* packet)
    {
        int payload = packet->LengthBytes - HeaderBytes(packet)!.Value;
        return Math.Max(1, (payload + packet->GsoSizeBytes - 1) / packet->GsoSizeBytes);
    }

    /// <summary>Writes one of the frames, with all its checksums; returns its length.</summary>
    /// <param name="packet">A super-frame; only read.</param>
    /// <param name="index">Which, 0 to <see cref="CountOf"/> - 1.</param>
    /// <param name="to">Room for <see cref="WireLengthBytes"/>.</param>
    public static int Write(Packet* packet, int index, byte* to)
    {
        int header = HeaderBytes(packet)!.Value, l4 = PartialChecksum.StartOf(packet), l3 = NetworkOffset(packet->Data, l4)!.Value;
        int offset = index * packet->GsoSizeBytes, payload = packet->LengthBytes - header;
        int size = Math.Min(packet->GsoSizeBytes, payload - offset);
        NativeMemory.Copy(packet->Data, to, (nuint)header);
        NativeMemory.Copy(packet->Data + header + offset, to + header, (nuint)size);
        int length = header + size;
        WriteNetwork(to + l3, length - l3, index);
        bool isUdp = packet->GsoType == VirtioNetHeader.GsoUdp;
        if (isUdp) BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(to + l4 + 4, 2), (ushort)(length - l4));
        else WriteTcp(to + l4, offset, isFirst: index == 0, isLast: offset + size == payload);

        // The length is part of the pseudo-header.
        uint pseudo = PartialChecksum.WireValue(packet);
        pseudo += (ushort)~Be16.FromHost((ushort)(packet->LengthBytes - l4)).Raw + (uint)Be16.FromHost((ushort)(length - l4)).Raw;
        PartialChecksum.Finish(to + l4, length - l4, to + l4 + packet->CsumOffset, (ushort)~InternetChecksum.Fold(pseudo));
        return length;
    }

    /// <summary>An SCTP header begins at <paramref name="l4"/>.</summary>
    internal static bool IsSctp(Packet* packet, int l4)
        => NetworkOffset(packet->Data, l4) is int l3 && packet->Data[l3 + (packet->Data[l3] >> 4 == 6 ? 6 : 9)] == IpProto.Sctp;

    private static int LongestBytes(Packet* packet) => Math.Min(packet->LengthBytes, HeaderBytes(packet)!.Value + packet->GsoSizeBytes);

    private static void WriteNetwork(byte* ip, int lengthBytes, int index)
    {
        if (*ip >> 4 == 6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(ip + 4, 2), (ushort)(lengthBytes - Ipv6HeaderBytes));
            return;
        }

        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(ip + 2, 2), (ushort)lengthBytes);
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(ip + 4, 2), (ushort)(((ip[4] << 8) | ip[5]) + index));
        Unsafe.WriteUnaligned(ip + 10, (ushort)0);
        Unsafe.WriteUnaligned(ip + 10, InternetChecksum.Compute(ip, (*ip & 15) * 4));
    }

    /// <summary>The data of each segment has its place; what ends a message ends it once, and what answers congestion answers once.</summary>
    private static void WriteTcp(byte* tcp, int offset, bool isFirst, bool isLast)
    {
        Span<byte> sequence = new(tcp + 4, sizeof(uint));
        BinaryPrimitives.WriteUInt32BigEndian(sequence, BinaryPrimitives.ReadUInt32BigEndian(sequence) + (uint)offset);
        if (!isLast) tcp[13] &= unchecked((byte)~FinAndPush);
        if (!isFirst) tcp[13] &= unchecked((byte)~Cwr);
    }

    /// <summary>Where the IP header stands, behind any tags and in front of <paramref name="end"/>; null if none does.</summary>
    private static int? NetworkOffset(byte* frame, int end)
    {
        int type = EthernetHeaderBytes - 2;
        while (type + TagBytes + 2 <= end && TypeAt(frame, type) is EthType.Vlan or EthType.QinQ) type += TagBytes;
        int l3 = type + 2;
        return TypeAt(frame, type) switch
        {
            EthType.Ip when l3 + Ipv4HeaderBytes <= end && frame[l3] >> 4 == 4 && l3 + ((frame[l3] & 15) * 4) == end => l3,
            EthType.Ipv6 when l3 + Ipv6HeaderBytes <= end && frame[l3] >> 4 == 6 => l3,
            _ => null,
        };
    }

    private static int TypeAt(byte* frame, int at) => (frame[at] << 8) | frame[at + 1];
}
