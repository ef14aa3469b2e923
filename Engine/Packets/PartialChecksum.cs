using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <summary>Transport checksums that their sender has left to the device (Linux <c>CHECKSUM_PARTIAL</c>), in a form that every rewrite keeps right.</summary>
/// <remarks>
/// <code>
/// on the wire of a port that takes them    field =  fold(pseudo-header)
/// in the engine                            field = ~fold(pseudo-header + the two ports)
/// finished                                 field = ~fold(pseudo-header + all of the transport header and payload)
/// </code>
/// What rewrites a packet adds the difference of addresses and ports to the complement of the field, and touches nothing else that a transport checksum covers: with the ports in the sum
/// the second form follows as the third does, so no rewrite has to know which of the two it has before it. A UDP field is never 0, which would say that there is no checksum. Who rewrites more
/// than addresses and ports (application gateways) makes the field anew, and finishes it.
/// </remarks>
public static unsafe class PartialChecksum
{
    private const int TcpChecksumOffset = 16, UdpChecksumOffset = 6, SctpChecksumOffset = 8, SctpHeaderBytes = 12;

    /// <summary>From the form of the wire to that of the engine.</summary>
    /// <param name="packet">A packet that was just received.</param>
    /// <param name="startBytes">Where the sum begins, from the first byte of the frame on: the transport header.</param>
    /// <param name="offsetBytes">Where it is stored, from there on.</param>
    /// <returns>False if the frame has no such places: nothing has changed, and there is no way to finish it.</returns>
    public static bool TryEnter(Packet* packet, int startBytes, int offsetBytes)
    {
        if (startBytes < 0 || offsetBytes < 0 || startBytes + offsetBytes + sizeof(ushort) > packet->LengthBytes) return false;
        byte* l4 = packet->Data + startBytes;
        if (offsetBytes is not (TcpChecksumOffset or UdpChecksumOffset) || l4 - (byte*)packet > ushort.MaxValue)
        {
            // Neither TCP nor UDP: rare and short, so it is finished at once.
            int size = packet->LengthBytes - startBytes;
            if (offsetBytes == SctpChecksumOffset && SuperFrame.IsSctp(packet, startBytes)) return TryFinishSctp(packet, l4, size);
            Finish(l4, size, l4 + offsetBytes, Unsafe.ReadUnaligned<ushort>(l4 + offsetBytes));
            packet->Flags |= PacketFlags.L4CsumGood;
            return true;
        }

        packet->CsumStart = (ushort)(l4 - (byte*)packet);
        packet->CsumOffset = (byte)offsetBytes;
        packet->Flags |= PacketFlags.CsumPartial | PacketFlags.L4CsumGood;
        ushort field = InternetChecksum.Fold((uint)Unsafe.ReadUnaligned<ushort>(l4 + offsetBytes) + PortsOf(l4));
        Unsafe.WriteUnaligned(l4 + offsetBytes, InternetChecksum.UdpOnWire(field));
        return true;
    }

    /// <summary>Makes the checksum of a whole TCP or UDP packet an unfinished one, whatever it was.</summary>
    /// <returns>False if it is no such packet, or a fragment: nothing has changed.</returns>
    public static bool TryBegin(Packet* packet)
    {
        MiniflowExtractor.EnsureParsed(packet);
        if (packet->L4Offset == Packet.NoOffset || packet->Key.NwFrag != NwFrag.No || packet->Key.NwProto is not (IpProto.Tcp or IpProto.Udp)) return false;
        int offset = packet->Key.NwProto == IpProto.Tcp ? 16 : 6;
        int size = packet->LengthBytes - packet->L4Offset - packet->L2PadBytes;
        if (size < offset + sizeof(ushort)) return false;
        byte* ip = packet->Data + packet->L3Offset;
        byte* field = packet->Data + packet->L4Offset + offset;
        uint pseudo = packet->Key.DlType.Host == EthType.Ipv6
            ? InternetChecksum.PseudoHeaderV6(ip + 8, ip + 24, packet->Key.NwProto, (uint)size)
            : InternetChecksum.PseudoHeaderV4(Unsafe.ReadUnaligned<uint>(ip + 12), Unsafe.ReadUnaligned<uint>(ip + 16), packet->Key.NwProto, (ushort)size);
        Unsafe.WriteUnaligned(field, (ushort)~InternetChecksum.Fold(pseudo));
        packet->Flags &= ~PacketFlags.L4CsumBad;
        return TryEnter(packet, packet->L4Offset, offset);
    }

    /// <summary>Where the sum begins, from the first byte of the frame on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int StartOf(Packet* packet) => packet->CsumStart - (int)(packet->Data - (byte*)packet);

    /// <summary>What stands in the field in the form of the wire, in packet order.</summary>
    public static ushort WireValue(Packet* packet)
    {
        byte* l4 = (byte*)packet + packet->CsumStart;
        uint sum = (ushort)~Unsafe.ReadUnaligned<ushort>(l4 + packet->CsumOffset);
        return (ushort)~InternetChecksum.Fold(sum + (2 * 0xffff) - PortsOf(l4));
    }

    /// <summary>Makes the checksum (Linux <c>skb_checksum_help</c>): the packet is as any other from here on.</summary>
    public static void Complete(Packet* packet)
    {
        byte* l4 = (byte*)packet + packet->CsumStart;
        Finish(l4, packet->LengthBytes - StartOf(packet), l4 + packet->CsumOffset, WireValue(packet));
        packet->Flags &= ~PacketFlags.CsumPartial;
    }

    /// <summary>Makes a checksum in a copy of a frame.</summary>
    /// <param name="l4">Transport header.</param>
    /// <param name="lengthBytes">From there to the end of the frame.</param>
    /// <param name="field">Where it is stored.</param>
    /// <param name="wireValue">Sum of the pseudo-header, in packet order.</param>
    public static void Finish(byte* l4, int lengthBytes, byte* field, ushort wireValue)
    {
        Unsafe.WriteUnaligned(field, wireValue);
        Unsafe.WriteUnaligned(field, InternetChecksum.UdpOnWire(InternetChecksum.Fold(InternetChecksum.Sum(l4, lengthBytes, 0))));
    }

    /// <summary>The header says where the checksum goes as of any other, but it is the CRC32c of RFC 9260.</summary>
    private static bool TryFinishSctp(Packet* packet, byte* l4, int size)
    {
        if (size < SctpHeaderBytes) return false;
        Unsafe.WriteUnaligned(l4 + SctpChecksumOffset, 0u);
        Unsafe.WriteUnaligned(l4 + SctpChecksumOffset, Crc32c.Compute(l4, size));
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint PortsOf(byte* l4) => (uint)Unsafe.ReadUnaligned<ushort>(l4) + Unsafe.ReadUnaligned<ushort>(l4 + 2);
}
