using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>What a virtio header says of a frame, and what a packet has of it.</summary>
public static unsafe class VnetFrames
{
    private const int EthernetHeaderBytes = 14, TagBytes = 4, Ipv4HeaderBytes = 20;

    /// <summary>Takes over what a header says of a packet that was just received.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="header">The header; not trusted.</param>
    /// <param name="shiftBytes">Bytes by which the frame has grown at its front since then.</param>
    /// <returns>False if it contradicts the frame: the packet is lost.</returns>
    public static bool TryApply(Packet* packet, VirtioNetHeader* header, int shiftBytes)
    {
        if ((header->Flags & VirtioNetHeader.NeedsChecksum) != 0)
        {
            if (!PartialChecksum.TryEnter(packet, header->CsumStartBytes + shiftBytes, header->CsumOffsetBytes)) return false;
            VerifyHeader(packet);
        }
        else if ((header->Flags & VirtioNetHeader.DataValid) != 0)
        {
            packet->Flags |= PacketFlags.L4CsumGood;
            VerifyHeader(packet);
        }

        int type = header->GsoType & ~VirtioNetHeader.GsoEcn;
        if (type == VirtioNetHeader.GsoNone) return true;
        if (type is not (VirtioNetHeader.GsoTcp4 or VirtioNetHeader.GsoTcp6 or VirtioNetHeader.GsoUdp) || header->GsoSizeBytes == 0) return false;
        packet->GsoSizeBytes = header->GsoSizeBytes;
        packet->GsoType = header->GsoType;
        if ((packet->Flags & PacketFlags.CsumPartial) == 0 && !PartialChecksum.TryBegin(packet)) return false;
        return SuperFrame.HeaderBytes(packet) is not null;
    }

    /// <summary>Says of a packet what the other side has to do.</summary>
    public static void Describe(Packet* packet, VirtioNetHeader* header)
    {
        *header = default;
        if ((packet->Flags & PacketFlags.CsumPartial) == 0) return;
        header->Flags = VirtioNetHeader.NeedsChecksum;
        header->CsumStartBytes = (ushort)PartialChecksum.StartOf(packet);
        header->CsumOffsetBytes = packet->CsumOffset;
        if (packet->GsoSizeBytes == 0) return;
        header->GsoType = packet->GsoType;
        header->GsoSizeBytes = packet->GsoSizeBytes;
        header->HeaderBytes = (ushort)SuperFrame.HeaderBytes(packet)!.Value;
    }

    /// <summary>The longest frame that a device with that MTU takes: a tag comes on top.</summary>
    public static int LimitOf(byte* frame, int lengthBytes, int mtuBytes)
    {
        bool isTagged = lengthBytes >= EthernetHeaderBytes && ((frame[12] << 8) | frame[13]) is EthType.Vlan or EthType.QinQ;
        return mtuBytes + EthernetHeaderBytes + (isTagged ? TagBytes : 0);
    }

    /// <summary>Whoever has made or checked the transport checksum says nothing of the one of the IPv4 header.</summary>
    private static void VerifyHeader(Packet* packet)
    {
        int type = EthernetHeaderBytes - 2;
        byte* frame = packet->Data;
        for (int tags = 0; tags < 2 && type + TagBytes + 2 <= packet->LengthBytes && ((frame[type] << 8) | frame[type + 1]) is EthType.Vlan or EthType.QinQ; tags++) type += TagBytes;
        if (type + 2 + Ipv4HeaderBytes > packet->LengthBytes || ((frame[type] << 8) | frame[type + 1]) != EthType.Ip) return;
        byte* ip = frame + type + 2;
        int headerBytes = (*ip & 15) * 4;
        bool isGood = headerBytes >= Ipv4HeaderBytes && type + 2 + headerBytes <= packet->LengthBytes && InternetChecksum.Compute(ip, headerBytes) == 0;
        packet->Flags |= isGood ? PacketFlags.IpCsumGood : PacketFlags.IpCsumBad;
    }
}
