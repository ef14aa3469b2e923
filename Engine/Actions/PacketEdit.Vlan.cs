using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

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
    /// <returns>False if there is no headroom, or no Ethernet header; the packet is unchanged.</returns>
    public static bool PushVlan(Packet* packet, ushort tpid, ushort tci)
    {
        if ((packet->Flags & PacketFlags.NoEthernet) != 0) return false;
        if (packet->LengthBytes < MacsSizeBytes) return true;
        if (packet->HeadroomBytes < VlanHeaderSizeBytes) return false;

        MiniflowExtractor.EnsureParsed(packet);
        byte* frame = packet->Data - VlanHeaderSizeBytes;
        ulong macs0 = Unsafe.ReadUnaligned<ulong>(packet->Data);
        uint macs1 = Unsafe.ReadUnaligned<uint>(packet->Data + 8);
        Unsafe.WriteUnaligned(frame, macs0);
        Unsafe.WriteUnaligned(frame + 8, macs1);
        Unsafe.WriteUnaligned(frame + MacsSizeBytes, Be16.FromHost(tpid).Raw);
        Unsafe.WriteUnaligned(frame + EthHeaderSizeBytes, Be16.FromHost((ushort)(tci & ~VlanCfi)).Raw);
        MoveFront(packet, -VlanHeaderSizeBytes);
        if (packet->LengthBytes < EthHeaderSizeBytes + VlanHeaderSizeBytes || !IsTag(tpid))
        {
            packet->Flags &= ~PacketFlags.Parsed;
            return true;
        }

        // A tag may be too much for the parser, which then takes it for the type of what follows.
        bool isFull = IsTag(packet->Key.DlType.Host);
        PacketMetadata.EnsureLane(packet, Lanes.Rare);
        FlowKey* key = &packet->Key;
        if (key->Vlan0Tci.Raw != 0) isFull |= (packet->Flags & PacketFlags.OneTag) != 0 || key->Vlan1Tci.Raw != 0;
        if (isFull) packet->Flags |= PacketFlags.Outdated;
        (key->Vlan1Tci, key->Vlan1Tpid) = (key->Vlan0Tci, key->Vlan0Tpid);
        key->Vlan0Tpid = Be16.FromHost(tpid);
        packet->KeyLanes |= 1u << Lanes.Rare;
        SetKeyTci(packet, Be16.FromHost((ushort)(tci | VlanCfi)).Raw);
        return true;
    }

    /// <summary>Removes the outer tag, if there is one (OVS <c>eth_pop_vlan</c>).</summary>
    public static void PopVlan(Packet* packet)
    {
        if (!HasTag(packet)) return;

        byte* frame = packet->Data + VlanHeaderSizeBytes;
        ulong macs0 = Unsafe.ReadUnaligned<ulong>(packet->Data);
        uint macs1 = Unsafe.ReadUnaligned<uint>(packet->Data + 8);
        Unsafe.WriteUnaligned(frame, macs0);
        Unsafe.WriteUnaligned(frame + 8, macs1);
        MoveFront(packet, VlanHeaderSizeBytes);

        // One that the parser left to the Ethernet type comes into its reach.
        if (IsTag(packet->Key.DlType.Host)) packet->Flags |= PacketFlags.Outdated;
        PacketMetadata.EnsureLane(packet, Lanes.Rare);
        FlowKey* key = &packet->Key;
        ushort tci = key->Vlan1Tci.Raw;
        key->Vlan0Tpid = key->Vlan1Tpid;
        key->Vlan1Tci = key->Vlan1Tpid = default;
        PacketMetadata.UpdateLaneBit(packet, Lanes.Rare);
        SetKeyTci(packet, tci);
    }

    private static bool IsTag(ushort type) => type is EthType.Vlan or EthType.QinQ;

    /// <summary>A tag and the type behind it are there, whatever the parser can see of them; offsets are up to date.</summary>
    private static bool HasTag(Packet* packet)
    {
        MiniflowExtractor.EnsureParsed(packet);
        return packet->LengthBytes >= EthHeaderSizeBytes + VlanHeaderSizeBytes
            && (packet->Flags & PacketFlags.NoEthernet) == 0
            && IsTag(new Be16(Unsafe.ReadUnaligned<ushort>(packet->Data + MacsSizeBytes)).Host);
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
