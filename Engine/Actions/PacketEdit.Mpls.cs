using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

public static unsafe partial class PacketEdit
{
    private const int MplsHeaderSizeBytes = 4;

    /// <summary>Rewrites the outermost label stack entry, if there is one.</summary>
    public static void SetMpls(Packet* packet, in DpSetMpls set)
    {
        if (!HasLabel(packet)) return;
        byte* lse = packet->Data + packet->L25Offset;
        Unsafe.WriteUnaligned(lse, (Unsafe.ReadUnaligned<uint>(lse) & ~set.LseMask.Raw) | (set.Lse.Raw & set.LseMask.Raw));
        packet->Flags &= ~PacketFlags.Parsed;
    }

    /// <summary>Inserts a label stack entry behind L2 (OVS <c>push_mpls</c>). An Ethernet type that is not MPLS does nothing.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="etherType">0x8847 or 0x8848, host order.</param>
    /// <param name="lse">Label stack entry, host order.</param>
    /// <returns>False if there is no headroom; the packet is unchanged.</returns>
    public static bool PushMpls(Packet* packet, ushort etherType, uint lse)
    {
        MiniflowExtractor.EnsureParsed(packet);
        if (etherType is not (EthType.Mpls or EthType.MplsMcast) || packet->L3Offset == Packet.NoOffset) return true;
        if (packet->HeadroomBytes < MplsHeaderSizeBytes) return false;

        int position = packet->L25Offset != Packet.NoOffset ? packet->L25Offset : packet->L3Offset;
        if ((packet->Flags & PacketFlags.NoEthernet) != 0) packet->BareType = etherType;
        else SetEtherType(packet, position, etherType);
        byte* frame = packet->Data - MplsHeaderSizeBytes;
        Buffer.MemoryCopy(packet->Data, frame, position, position);
        Unsafe.WriteUnaligned(frame + position, Be32.FromHost(lse).Raw);
        MoveFront(packet, -MplsHeaderSizeBytes);
        packet->Flags &= ~PacketFlags.Parsed;
        return true;
    }

    /// <summary>
    /// Removes the outermost label stack entry, if there is one, and sets the Ethernet type (OVS <c>pop_mpls</c>). Where no Ethernet header stands in front of the label, one of type
    /// <see cref="EthType.TransparentEthernet"/> stands behind it.
    /// </summary>
    /// <param name="packet">The packet.</param>
    /// <param name="etherType">Type of what is behind the label, host order.</param>
    /// <returns>False if the Ethernet header that should be behind the label is not there: the packet has to be dropped.</returns>
    public static bool PopMpls(Packet* packet, ushort etherType)
    {
        bool isBare = (packet->Flags & PacketFlags.NoEthernet) != 0, bridged = isBare && etherType == EthType.TransparentEthernet;
        if (!HasLabel(packet)) return !bridged;
        if (bridged && packet->LengthBytes < MplsHeaderSizeBytes + EthHeaderSizeBytes) return false;
        int position = packet->L25Offset;
        if (!isBare) SetEtherType(packet, position, etherType);
        else if (bridged) packet->Flags &= ~PacketFlags.NoEthernet;
        else packet->BareType = etherType;
        Buffer.MemoryCopy(packet->Data, packet->Data + MplsHeaderSizeBytes, position, position);
        MoveFront(packet, MplsHeaderSizeBytes);

        // What the receiver verified, if anything, was not the header that is outermost now.
        const PacketFlags checksums = PacketFlags.IpCsumGood | PacketFlags.IpCsumBad | PacketFlags.L4CsumGood | PacketFlags.L4CsumBad;
        packet->Flags &= ~(PacketFlags.Parsed | checksums);
        return true;
    }

    private static bool HasLabel(Packet* packet)
    {
        MiniflowExtractor.EnsureParsed(packet);
        return packet->L25Offset != Packet.NoOffset && packet->L3Offset >= packet->L25Offset + MplsHeaderSizeBytes;
    }

    /// <summary>In a tagged frame the type stands in front of the payload, else behind the addresses, an 802.3 length included.</summary>
    private static void SetEtherType(Packet* packet, int payloadPosition, ushort etherType)
    {
        bool isTagged = IsTag(new Be16(Unsafe.ReadUnaligned<ushort>(packet->Data + MacsSizeBytes)).Host);
        int position = isTagged ? payloadPosition - 2 : MacsSizeBytes;
        Unsafe.WriteUnaligned(packet->Data + position, Be16.FromHost(etherType).Raw);
    }
}
