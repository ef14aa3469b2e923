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
    private const int TcpHeaderBytes = 20, UdpHeaderBytes = 8, Ipv6HeaderBytes = 40;
    private const byte FinAndPush = 0x09, Cwr = 0x80;

    /// <summary>Bytes of all headers in front of the payload.</summary>
    /// <returns>Null if they are cut off, or nothing that is known leads to the transport header: it can be neither cut nor sent.</returns>
    public static int? HeaderBytes(Packet* packet)
    {
        int l4 = PartialChecksum.StartOf(packet);
        bool isUdp = packet->GsoType == VirtioNetHeader.GsoUdp;
        if (l4 + (isUdp ? UdpHeaderBytes : TcpHeaderBytes) > packet->LengthBytes || !SuperFrameLayout.TryFind(packet->Data, l4, out _)) return null;
        int header = isUdp ? l4 + UdpHeaderBytes : l4 + Math.Max(TcpHeaderBytes, (packet->Data[l4 + 12] >> 4) * 4);
        return header <= packet->LengthBytes ? header : null;
    }

    /// <summary>The flow is inside a tunnel: no device of ours cuts such frames, but without its outer headers it is one as any other.</summary>
    public static bool IsTunnelled(Packet* packet)
        => packet->GsoSizeBytes != 0 && SuperFrameLayout.TryFind(packet->Data, PartialChecksum.StartOf(packet), out SuperFrameLayout layout) && layout.OuterL3 != 0;

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
        int header = HeaderBytes(packet)!.Value, l4 = PartialChecksum.StartOf(packet);
        SuperFrameLayout.TryFind(packet->Data, l4, out SuperFrameLayout layout);
        int offset = index * packet->GsoSizeBytes, payload = packet->LengthBytes - header;
        int size = Math.Min(packet->GsoSizeBytes, payload - offset);
        NativeMemory.Copy(packet->Data, to, (nuint)header);
        NativeMemory.Copy(packet->Data + header + offset, to + header, (nuint)size);
        int length = header + size;
        WriteNetwork(to + layout.L3, length - layout.L3, index);
        bool isUdp = packet->GsoType == VirtioNetHeader.GsoUdp;
        if (isUdp) WriteLength(to + l4 + 4, length - l4);
        else WriteTcp(to + l4, offset, isFirst: index == 0, isLast: offset + size == payload);

        // The length is part of the pseudo-header.
        uint pseudo = PartialChecksum.WireValue(packet);
        pseudo += (ushort)~Be16.FromHost((ushort)(packet->LengthBytes - l4)).Raw + (uint)Be16.FromHost((ushort)(length - l4)).Raw;
        PartialChecksum.Finish(to + l4, length - l4, to + l4 + packet->CsumOffset, (ushort)~InternetChecksum.Fold(pseudo));
        if (layout.OuterL3 != 0) WriteOuter(to, layout, length, index);
        return length;
    }

    /// <summary>An SCTP header begins at <paramref name="l4"/>.</summary>
    internal static bool IsSctp(Packet* packet, int l4)
        => SuperFrameLayout.TryFind(packet->Data, l4, out SuperFrameLayout layout) && packet->Data[layout.L3 + (packet->Data[layout.L3] >> 4 == 6 ? 6 : 9)] == IpProto.Sctp;

    private static int LongestBytes(Packet* packet) => Math.Min(packet->LengthBytes, HeaderBytes(packet)!.Value + packet->GsoSizeBytes);

    private static void WriteNetwork(byte* ip, int lengthBytes, int index)
    {
        if (*ip >> 4 == 6)
        {
            WriteLength(ip + 4, lengthBytes - Ipv6HeaderBytes);
            return;
        }

        WriteLength(ip + 2, lengthBytes);
        WriteLength(ip + 4, ((ip[4] << 8) | ip[5]) + index);
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

    /// <summary>The outer headers of each frame, a UDP checksum among them if there was one: over what is finished already.</summary>
    private static void WriteOuter(byte* to, SuperFrameLayout layout, int length, int index)
    {
        byte* ip = to + layout.OuterL3;
        WriteNetwork(ip, length - layout.OuterL3, index);
        if (!layout.IsOuterUdp) return;
        byte* udp = to + layout.OuterL4;
        int size = length - layout.OuterL4;
        WriteLength(udp + 4, size);
        if (Unsafe.ReadUnaligned<ushort>(udp + 6) == 0) return;
        uint pseudo = *ip >> 4 == 6
            ? InternetChecksum.PseudoHeaderV6(ip + 8, ip + 24, IpProto.Udp, (uint)size)
            : InternetChecksum.PseudoHeaderV4(Unsafe.ReadUnaligned<uint>(ip + 12), Unsafe.ReadUnaligned<uint>(ip + 16), IpProto.Udp, (ushort)size);
        PartialChecksum.Finish(udp, size, udp + 6, (ushort)~InternetChecksum.Fold(pseudo));
    }

    private static void WriteLength(byte* field, int value) => BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(field, 2), (ushort)value);
}
