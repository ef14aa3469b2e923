using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Packets;

public static unsafe partial class MiniflowExtractor
{
    /// <summary>Untagged, unfragmented IPv4 TCP/UDP without IP options by vector loads and masks, the rest by the scalar code.</summary>
    public readonly struct Vector256Kernel : IMiniflowKernel
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Parse(Packet* packet)
        {
            if (!TryParseCommon(packet)) ParseScalar(packet);
        }
    }

    /// <summary>Offset of the L4 header in such a frame.</summary>
    private const int CommonL4Offset = EthHeaderSizeBytes + Ipv4HeaderSizeBytes;

    /// <summary>False, with nothing written, if the frame is not of the common kind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryParseCommon(Packet* packet)
    {
        byte* frame = packet->Data;
        int available = packet->LengthBytes - EthHeaderSizeBytes;

        // Bytes 12..19: type, version/IHL, tos, total length, id. Bytes 20..23: fragment word, ttl, proto. Reading them is legal for
        // any length (tailroom); the length checks below reject a frame that does not have them.
        ulong head = Unsafe.ReadUnaligned<ulong>(frame + 12);
        uint fragTtlProto = Unsafe.ReadUnaligned<uint>(frame + 20);
        uint proto = fragTtlProto >> 24;
        int totalLength = BinaryPrimitives.ReverseEndianness((ushort)(head >> 32));

        // The product is zero for TCP and UDP only: the two come in any order, a branch between them would be predicted wrong every other time.
        if ((head & 0x00ff_ffff) != 0x45_0008
            || (fragTtlProto & 0xff3f) != 0
            || (proto - IpProto.Tcp) * (proto - IpProto.Udp) != 0
            || totalLength < Ipv4HeaderSizeBytes + 8
            || totalLength > available
            || (packet->KeyLanes & (1u << Lanes.Rare)) != 0)
        {
            return false;
        }

        // All ones for TCP. Bytes 46..47 hold its data offset and flags; in a UDP frame the mask drops them. A negative difference shows in the sign.
        int tcp = ((int)proto - IpProto.Udp) >> 31;
        ushort tcpControl = Unsafe.ReadUnaligned<ushort>(frame + CommonL4Offset + 12);
        int tcpHeader = (tcpControl & 0xf0) >> 2;
        if ((tcp & ((tcpHeader - 20) | (totalLength - Ipv4HeaderSizeBytes - tcpHeader))) < 0) return false;

        FlowKey* key = &packet->Key;
        Vector128<byte> link = *(Vector128<byte>*)frame & Vector128.Create(ulong.MaxValue, 0x0000_ffff_ffff_ffff).AsByte();
        Vector128<byte> metadata = *((Vector128<byte>*)key + 1) & Vector128.Create(ulong.MaxValue, ulong.MaxValue).AsByte().WithElement(KeyLayout.NwFrag - KeyLayout.InPort, (byte)0);
        FlowKey.Lane(ref *key, Lanes.Link) = Vector256.Create(link, metadata);

        Vector128<byte> low = *(Vector128<byte>*)(frame + 14)
            & Vector128.Create((byte)0, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff);
        Vector128<ushort> high = *(Vector128<ushort>*)(frame + 30) & Vector128.Create(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0);
        high = high.WithElement(4, (ushort)(tcpControl & tcp & 0xff0f));
        FlowKey.Lane(ref *key, Lanes.Network) = Vector256.Create(low, high.AsByte());

        packet->KeyLanes = (packet->KeyLanes & MetadataLanes) | FlowKey.HotLanes;
        // L3Offset, L4Offset, L25Offset, L2PadBytes in one store.
        const ulong offsets = EthHeaderSizeBytes | ((ulong)CommonL4Offset << 16) | ((ulong)Packet.NoOffset << 32);
        *(ulong*)&packet->L3Offset = offsets | ((ulong)(uint)(available - totalLength) << 48);
        packet->Flags |= PacketFlags.Parsed;
        return true;
    }
}
