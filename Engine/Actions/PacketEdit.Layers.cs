using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <content>Whole headers in front of a packet: an Ethernet header goes, or comes; labels stand in front of all of a frame (OVS <c>push_eth</c>, <c>pop_eth</c>, <c>add_mpls</c>).</content>
public static unsafe partial class PacketEdit
{
    /// <summary>What the receiver verified, and which connection the packet is of, is nothing to the header that comes first now.</summary>
    private const PacketFlags OfOldFront = PacketFlags.Parsed | PacketFlags.IpCsumGood | PacketFlags.IpCsumBad | PacketFlags.L4CsumGood | PacketFlags.L4CsumBad;

    /// <summary>Puts a label stack entry in front of everything, an Ethernet header included: the packet has none then. An Ethernet type that is not MPLS does nothing.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="etherType">0x8847 or 0x8848, host order.</param>
    /// <param name="lse">Label stack entry, host order.</param>
    /// <returns>False if there is no headroom; the packet is unchanged.</returns>
    public static bool AddMpls(Packet* packet, ushort etherType, uint lse)
    {
        if (etherType is not (EthType.Mpls or EthType.MplsMcast)) return true;
        if (packet->HeadroomBytes < MplsHeaderSizeBytes) return false;
        MoveFront(packet, -MplsHeaderSizeBytes);
        Unsafe.WriteUnaligned(packet->Data, Be32.FromHost(lse).Raw);
        packet->BareType = etherType;
        packet->Flags = (packet->Flags & ~OfOldFront) | PacketFlags.NoEthernet;
        packet->CtConnRef = 0;
        return true;
    }

    /// <summary>Puts an Ethernet header in front of a packet that has none.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="eth">Its addresses, whatever the masks say.</param>
    /// <returns>False if it has one, or there is no headroom; the packet is unchanged.</returns>
    public static bool PushEth(Packet* packet, in DpSetEth eth)
    {
        if ((packet->Flags & PacketFlags.NoEthernet) == 0 || packet->HeadroomBytes < EthHeaderSizeBytes) return false;
        MoveFront(packet, -EthHeaderSizeBytes);
        byte* frame = packet->Data;
        Unsafe.WriteUnaligned(frame, eth.Dst);
        Unsafe.WriteUnaligned(frame + 6, eth.Src);
        Unsafe.WriteUnaligned(frame + MacsSizeBytes, Be16.FromHost(packet->BareType).Raw);
        packet->Flags &= ~(PacketFlags.NoEthernet | PacketFlags.Parsed);
        return true;
    }

    /// <summary>Takes the Ethernet header off, with any tags and what else stands in front of the payload.</summary>
    /// <param name="packet">The packet.</param>
    /// <returns>False if there is none, or not all of it; the packet is unchanged.</returns>
    public static bool PopEth(Packet* packet)
    {
        if ((packet->Flags & PacketFlags.NoEthernet) != 0) return false;
        MiniflowExtractor.EnsureParsed(packet);
        if (packet->L3Offset == Packet.NoOffset) return false;

        // Both are behind a whole header, and not behind the end.
        int payload = packet->L25Offset != Packet.NoOffset ? packet->L25Offset : packet->L3Offset;
        packet->BareType = new Be16(Unsafe.ReadUnaligned<ushort>(packet->Data + payload - sizeof(ushort))).Host;
        MoveFront(packet, payload);
        packet->Flags = (packet->Flags & ~PacketFlags.Parsed) | PacketFlags.NoEthernet;
        return true;
    }
}
