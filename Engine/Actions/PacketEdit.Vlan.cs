using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Native;

namespace Mergeflow.Engine;

public static unsafe partial class PacketEdit
{
    private const int VlanHeaderSizeBytes = 4;

    /// <summary>CFI/DEI bit: set in the key to mean "tag present", always clear in tags that are written (OVS <c>eth_push_vlan</c>).</summary>
    private const ushort VlanCfi = 0x1000;

    /// <summary>Rewrites the outer tag, as OVS does by popping and pushing: the DEI bit ends up clear. No tag, no change.</summary>
    public static void SetVlan(Packet* packet, in DpSetVlan set)
    {
        if (!HasTag(packet)) return;
        byte* tci = packet->Data + EthHeaderSizeBytes;
        ushort cfi = Be16.FromHost(VlanCfi).Raw;
        int now = ((Unsafe.ReadUnaligned<ushort>(tci) & ~set.TciMask.Raw) | (set.Tci.Raw & set.TciMask.Raw)) & ~cfi;
        Unsafe.WriteUnaligned(tci, (ushort)now);
        if (packet->Key.Vlan0Tci.Raw != 0) SetKeyTci(packet, (ushort)(now | cfi));
    }

    /// <summary>Inserts a tag behind the addresses (OVS <c>eth_push_vlan</c>).</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="tpid">Tag type, host order.</param>
    /// <param name="tci">Tag, host order; its CFI bit is not written.</param>
    /// <returns>False if there is no headroom; the packet is unchanged.</returns>
    public static bool PushVlan(Packet* packet, ushort tpid, ushort tci)
    {
        if (packet->LengthBytes < MacsSizeBytes) return true;
        if (packet->HeadroomBytes < VlanHeaderSizeBytes) return false;

        bool wasUntagged = (packet->Flags & PacketFlags.Parsed) != 0 && packet->LengthBytes >= EthHeaderSizeBytes
            && packet->Key.Vlan0Tci.Raw == 0 && !IsTag(packet->Key.DlType.Host);
        byte* frame = packet->Data - VlanHeaderSizeBytes;
        ulong macs0 = Unsafe.ReadUnaligned<ulong>(packet->Data);
        uint macs1 = Unsafe.ReadUnaligned<uint>(packet->Data + 8);
        Unsafe.WriteUnaligned(frame, macs0);
        Unsafe.WriteUnaligned(frame + 8, macs1);
        Unsafe.WriteUnaligned(frame + MacsSizeBytes, Be16.FromHost(tpid).Raw);
        Unsafe.WriteUnaligned(frame + EthHeaderSizeBytes, Be16.FromHost((ushort)(tci & ~VlanCfi)).Raw);
        MoveFront(packet, -VlanHeaderSizeBytes);
        if (!wasUntagged || !IsTag(tpid))
        {
            packet->Flags &= ~PacketFlags.Parsed;
            return true;
        }

        PacketMetadata.EnsureLane(packet, RareLane);
        packet->Key.Vlan0Tpid = Be16.FromHost(tpid);
        packet->KeyLanes |= 1u << RareLane;
        SetKeyTci(packet, Be16.FromHost((ushort)(tci | VlanCfi)).Raw);
        return true;
    }

    /// <summary>Removes the outer tag, if there is one (OVS <c>eth_pop_vlan</c>).</summary>
    public static void PopVlan(Packet* packet)
    {
        if (!HasTag(packet)) return;

        // Exactly one tag, and none that the parser left to the Ethernet type.
        bool becomesUntagged = packet->Key.Vlan0Tci.Raw != 0 && packet->Key.Vlan1Tci.Raw == 0 && !IsTag(packet->Key.DlType.Host);
        byte* frame = packet->Data + VlanHeaderSizeBytes;
        ulong macs0 = Unsafe.ReadUnaligned<ulong>(packet->Data);
        uint macs1 = Unsafe.ReadUnaligned<uint>(packet->Data + 8);
        Unsafe.WriteUnaligned(frame, macs0);
        Unsafe.WriteUnaligned(frame + 8, macs1);
        MoveFront(packet, VlanHeaderSizeBytes);
        if (!becomesUntagged)
        {
            packet->Flags &= ~PacketFlags.Parsed;
            return;
        }

        packet->Key.Vlan0Tpid = default;
        PacketMetadata.UpdateLaneBit(packet, RareLane);
        SetKeyTci(packet, 0);
    }

    private static bool IsTag(ushort type) => type is EthType.Vlan or EthType.QinQ;

    /// <summary>A tag and the type behind it are there; the key is up to date.</summary>
    private static bool HasTag(Packet* packet)
    {
        MiniflowExtractor.EnsureParsed(packet);
        return packet->Key.Vlan0Tci.Raw != 0;
    }

    private static void SetKeyTci(Packet* packet, ushort raw)
        => Blend(packet, 0, Vector256.Create(0, 0xffff_0000_0000_0000, 0, 0), Vector256.Create(0, (ulong)raw << 48, 0, 0));

    /// <summary>Moves the first byte of the frame; headers behind the Ethernet addresses stay where they are.</summary>
    private static void MoveFront(Packet* packet, int bytes)
    {
        packet->Data += bytes;
        packet->LengthBytes -= bytes;

        // What is cut off is behind, and as much as it was.
        if (packet->TruncateBytes != 0) packet->TruncateBytes = Math.Max(1, packet->TruncateBytes - bytes);
        packet->HeadroomBytes = (ushort)(packet->HeadroomBytes + bytes);
        MoveOffset(ref packet->L25Offset, bytes);
        MoveOffset(ref packet->L3Offset, bytes);
        MoveOffset(ref packet->L4Offset, bytes);
    }

    private static void MoveOffset(ref ushort offset, int bytes)
    {
        if (offset != Packet.NoOffset) offset = (ushort)(offset - bytes);
    }
}
