using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

public static unsafe partial class MiniflowExtractor
{
    /// <summary>Parses every frame, one field at a time.</summary>
    public readonly struct ScalarKernel : IMiniflowKernel
    {
        /// <inheritdoc/>
        public static void Parse(Packet* packet) => ParseScalar(packet);
    }

    private const int EthHeaderSizeBytes = 14;
    private const int VlanHeaderSizeBytes = 4;
    private const int MplsHeaderSizeBytes = 4;
    private const int Ipv4HeaderSizeBytes = 20;
    private const int Ipv6HeaderSizeBytes = 40;
    private const int ArpSizeBytes = 28;

    /// <summary>Smallest Ethernet type; smaller numbers are an 802.3 length (OVS <c>ETH_TYPE_MIN</c>).</summary>
    private const int EthTypeMin = 0x600;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ParseScalar(Packet* packet)
    {
        FlowKey* key = Begin(packet);
        byte* frame = packet->Data;
        int size = packet->LengthBytes;
        if (size >= EthHeaderSizeBytes) ParsePayload(packet, key, frame, ParseLink(packet, key, frame, size), size);
        FinishLanes(packet, key);
    }

    /// <summary>The same for a packet that has no Ethernet header: its type is known, addresses and tags are none (OVS <c>miniflow_extract</c> of namespace 1).</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ParseBare(Packet* packet)
    {
        FlowKey* key = Begin(packet);
        key->DlType = Be16.FromHost(packet->BareType);
        ParsePayload(packet, key, packet->Data, 0, packet->LengthBytes);
        FinishLanes(packet, key);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FlowKey* Begin(Packet* packet)
    {
        FlowKey* key = &packet->Key;
        ClearHeaderFields(packet, key);
        packet->L25Offset = Packet.NoOffset;
        packet->L3Offset = Packet.NoOffset;
        packet->L4Offset = Packet.NoOffset;
        packet->L2PadBytes = 0;
        packet->Flags = (packet->Flags & ~(PacketFlags.Snap | PacketFlags.Outdated)) | PacketFlags.Parsed;
        return key;
    }

    /// <summary>What stands behind Ethernet, by the Ethernet type in the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ParsePayload(Packet* packet, FlowKey* key, byte* frame, int position, int size)
    {
        ushort type = key->DlType.Host;
        if (type is EthType.Mpls or EthType.MplsMcast)
        {
            packet->L25Offset = (ushort)position;
            position = ParseMpls(key, frame, position, size);
        }

        packet->L3Offset = (ushort)position;
        if (type == EthType.Ip) ParseIpv4(packet, key, frame, position, size);
        else if (type == EthType.Ipv6) ParseIpv6(packet, key, frame, position, size);
        else if (type is EthType.Arp or EthType.Rarp) ParseArp(key, frame + position, size - position);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishLanes(Packet* packet, FlowKey* key)
    {
        uint lanes = (packet->KeyLanes & MetadataLanes) | FlowKey.HotLanes;
        if (HasBits(key, Lanes.Ipv6)) lanes |= 1u << Lanes.Ipv6;
        if (HasBits(key, Lanes.Neighbor)) lanes |= 1u << Lanes.Neighbor;
        if (HasBits(key, Lanes.Rare)) lanes |= 1u << Lanes.Rare;
        packet->KeyLanes = lanes;
    }

    /// <summary>Zeroes what the frame decides and makes the lanes of headers valid memory.</summary>
    private static void ClearHeaderFields(Packet* packet, FlowKey* key)
    {
        *(Vector128<byte>*)key = Vector128<byte>.Zero;
        key->NwFrag = NwFrag.No;
        FlowKey.Lane(ref *key, Lanes.Network) = Vector256<byte>.Zero;
        FlowKey.Lane(ref *key, Lanes.Ipv6) = Vector256<byte>.Zero;
        FlowKey.Lane(ref *key, Lanes.Neighbor) = Vector256<byte>.Zero;
        Vector256<byte> metadata = (packet->KeyLanes & (1u << Lanes.Rare)) == 0
            ? Vector256<byte>.Zero
            : FlowKey.Lane(ref *key, Lanes.Rare) & Vector256.Create(ulong.MaxValue, 0, 0, 0xffff_0000_0000_0000).AsByte();
        FlowKey.Lane(ref *key, Lanes.Rare) = metadata;
    }

    /// <summary>Addresses, VLAN tags, Ethernet type; returns the offset of what follows.</summary>
    private static int ParseLink(Packet* packet, FlowKey* key, byte* frame, int size)
    {
        Unsafe.CopyBlockUnaligned(key, frame, 12);
        int position = 12;
        ushort type = Load16(frame + position);
        int limit = (packet->Flags & PacketFlags.OneTag) != 0 ? 1 : VlanLimit;
        for (int n = 0; n < limit && type is EthType.Vlan or EthType.QinQ; n++)
        {
            if (size - position < VlanHeaderSizeBytes + 2) break;
            Be16 tpid = Be16.FromHost(type);
            Be16 tci = Be16.FromHost((ushort)(Load16(frame + position + 2) | 0x1000));
            if (n == 0) (key->Vlan0Tpid, key->Vlan0Tci) = (tpid, tci);
            else (key->Vlan1Tpid, key->Vlan1Tci) = (tpid, tci);
            position += VlanHeaderSizeBytes;
            type = Load16(frame + position);
        }

        position += 2;
        if (type < EthTypeMin)
        {
            int payload = position;
            type = ParseSnap(frame, ref position, size);
            if (position != payload) packet->Flags |= PacketFlags.Snap;
        }

        key->DlType = Be16.FromHost(type);
        return position;
    }

    /// <summary>802.2 LLC with a SNAP header of OUI 0 carries an Ethernet type; everything else is <see cref="EthType.None"/>.</summary>
    private static ushort ParseSnap(byte* frame, ref int position, int size)
    {
        const int llcSnapSizeBytes = 8;
        if (size - position < llcSnapSizeBytes) return EthType.None;
        byte* llc = frame + position;
        bool isSnap = Load16(llc) == 0xaaaa && Load16(llc + 2) == 0x0300 && Load16(llc + 4) == 0;
        if (!isSnap) return EthType.None;
        position += llcSnapSizeBytes;
        ushort type = Load16(llc + 6);
        return type >= EthTypeMin ? type : EthType.None;
    }

    /// <summary>Walks the whole label stack, keeps the first labels; returns the offset behind it.</summary>
    private static int ParseMpls(FlowKey* key, byte* frame, int position, int size)
    {
        for (int count = 0; size - position >= MplsHeaderSizeBytes; count++)
        {
            var lse = new Be32(Unsafe.ReadUnaligned<uint>(frame + position));
            if (count == 0) key->MplsLse0 = lse;
            else if (count == 1) key->MplsLse1 = lse;
            else if (count == 2) key->MplsLse2 = lse;
            position += MplsHeaderSizeBytes;
            if ((lse.Host & 0x100) != 0) break;
        }

        return position;
    }

    private static void ParseArp(FlowKey* key, byte* arp, int size)
    {
        if (size < ArpSizeBytes || Load16(arp) != 1 || Load16(arp + 2) != EthType.Ip || Load16(arp + 4) != 0x0604) return;
        key->NwSrc = new Be32(Unsafe.ReadUnaligned<uint>(arp + 14));
        key->NwDst = new Be32(Unsafe.ReadUnaligned<uint>(arp + 24));
        key->ArpSha = Unsafe.ReadUnaligned<EthAddress>(arp + 8);
        key->ArpTha = Unsafe.ReadUnaligned<EthAddress>(arp + 18);

        // The key has eight bits for the opcode; larger ones count as none.
        ushort operation = Load16(arp + 6);
        if (operation <= 0xff) key->NwProto = (byte)operation;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort Load16(byte* p) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(p));
}
