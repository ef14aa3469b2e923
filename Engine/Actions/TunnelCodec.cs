using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>
/// Takes tunnel headers off and puts them on (OVS lib/netdev-native-tnl.c). The outer packet is parsed first; what it carries is an
/// Ethernet frame.
/// </summary>
public static unsafe partial class TunnelCodec
{
    private const byte GreChecksum = TunnelHeader.GreChecksum;
    private const byte GreKey = TunnelHeader.GreKey;
    private const byte GreSequence = 0x10;

    private const int UdpHeaderSizeBytes = 8;
    private const int TunnelBaseSizeBytes = 8;

    /// <summary>
    /// Removes the outer headers, sets the tunnel fields of the key, and leaves the inner frame to be parsed. The rest of the metadata
    /// stays; the caller sets in_port.
    /// </summary>
    /// <param name="packet">The packet; its outer headers are read again if need be.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="option">Geneve: the option that goes to the key.</param>
    /// <returns>False if the packet is no sound packet of this kind (IP options, fragment, bad checksum, unknown flags): drop it.</returns>
    public static bool TryPop(Packet* packet, TunnelKind kind, GeneveOption option = default)
    {
        MiniflowExtractor.EnsureParsed(packet);
        if (!TryReadOuter(packet, out DpSetTunnel tunnel)) return false;

        byte* l4 = packet->Data + packet->L4Offset;
        int size = packet->LengthBytes - packet->L4Offset - packet->L2PadBytes;
        var flags = TunnelFlags.None;
        ulong id = 0;
        ulong? data = null;
        int headerSize = kind switch
        {
            TunnelKind.Gre => ReadGre(packet, l4, size, ref flags, ref id),
            _ => ReadUdpTunnel(packet, l4, size, kind, ref flags, ref id),
        };
        if (headerSize < 0) return false;
        if (kind == TunnelKind.Geneve && !GeneveOptions.TryRead(l4 + UdpHeaderSizeBytes + TunnelBaseSizeBytes, headerSize - UdpHeaderSizeBytes - TunnelBaseSizeBytes, option, ref data)) return false;

        int front = packet->L4Offset + headerSize;
        packet->LengthBytes -= front + packet->L2PadBytes;
        packet->Data += front;
        packet->HeadroomBytes = (ushort)(packet->HeadroomBytes + front);
        const PacketFlags checksums = PacketFlags.IpCsumGood | PacketFlags.IpCsumBad | PacketFlags.L4CsumGood | PacketFlags.L4CsumBad;
        packet->Flags &= ~(PacketFlags.Parsed | PacketFlags.Outdated | checksums);

        // Left to the device by the sender of the inner packet: as good as before.
        if ((packet->Flags & PacketFlags.CsumPartial) != 0) packet->Flags |= PacketFlags.L4CsumGood;
        tunnel.Id = Be64.FromHost(id);
        tunnel.Flags = Be16.FromHost((ushort)flags);
        PacketEdit.SetTunnel(packet, tunnel);
        if (data is { } value) PacketMetadata.SetOption(packet, value);
        return true;
    }

    private static bool TryReadOuter(Packet* packet, out DpSetTunnel tunnel)
    {
        tunnel = default;
        FlowKey* key = &packet->Key;
        if (packet->L4Offset == Packet.NoOffset || key->NwFrag != NwFrag.No) return false;
        tunnel.Tos = key->NwTos;
        tunnel.Ttl = key->NwTtl;
        if (key->DlType.Host == EthType.Ipv6)
        {
            tunnel.Ipv6Src = key->Ipv6Src;
            tunnel.Ipv6Dst = key->Ipv6Dst;
            return true;
        }

        byte* ip = packet->Data + packet->L3Offset;
        const int plainHeaderSize = 20;
        if (packet->L4Offset - packet->L3Offset != plainHeaderSize || ip[0] >> 4 != 4) return false;
        bool isKnownGood = (packet->Flags & PacketFlags.IpCsumGood) != 0;
        if (!isKnownGood && InternetChecksum.Compute(ip, plainHeaderSize) != 0) return false;
        tunnel.Src = key->NwSrc;
        tunnel.Dst = key->NwDst;
        return true;
    }

    /// <summary>Length of UDP and tunnel header, or -1.</summary>
    private static int ReadUdpTunnel(Packet* packet, byte* udp, int size, TunnelKind kind, ref TunnelFlags flags, ref ulong id)
    {
        const int headers = UdpHeaderSizeBytes + TunnelBaseSizeBytes;
        if (packet->Key.NwProto != IpProto.Udp || size < headers) return -1;
        if (Unsafe.ReadUnaligned<ushort>(udp + 6) != 0)
        {
            bool isKnownGood = (packet->Flags & PacketFlags.L4CsumGood) != 0;
            if (!isKnownGood && !PacketChecksums.IsTransportGood(packet, udp, size)) return -1;
            flags |= TunnelFlags.Checksum;
        }

        byte* header = udp + UdpHeaderSizeBytes;
        uint vni = Load32(header + 4);
        id = vni >> 8;
        flags |= TunnelFlags.Key;
        if (kind == TunnelKind.Vxlan)
        {
            const uint vniPresent = 0x0800_0000;
            return Load32(header) == vniPresent && (vni & 0xff) == 0 ? headers : -1;
        }

        int optionsSize = (header[0] & 0x3f) * 4;
        bool isKnown = header[0] >> 6 == 0 && ((header[2] << 8) | header[3]) == EthType.TransparentEthernet;
        if (!isKnown || headers + optionsSize > size) return -1;
        if ((header[1] & 0x80) != 0) flags |= TunnelFlags.Oam;
        return headers + optionsSize;
    }

    /// <summary>Length of the GRE header, or -1.</summary>
    private static int ReadGre(Packet* packet, byte* gre, int size, ref TunnelFlags flags, ref ulong id)
    {
        if (packet->Key.NwProto != IpProto.Gre || size < 4) return -1;
        bool isKnown = (gre[0] & ~(GreChecksum | GreKey | GreSequence)) == 0 && gre[1] == 0 && ((gre[2] << 8) | gre[3]) == EthType.TransparentEthernet;
        if (!isKnown || GreHeaderSize(gre[0]) > size) return -1;
        int position = 4;
        if ((gre[0] & GreChecksum) != 0)
        {
            if (InternetChecksum.Compute(gre, size) != 0) return -1;
            flags |= TunnelFlags.Checksum;
            position += 4;
        }

        if ((gre[0] & GreKey) != 0)
        {
            id = Load32(gre + position);
            flags |= TunnelFlags.Key;
        }

        return GreHeaderSize(gre[0]);
    }

    private static int GreHeaderSize(byte flags)
        => 4 + ((flags & GreChecksum) != 0 ? 4 : 0) + ((flags & GreKey) != 0 ? 4 : 0) + ((flags & GreSequence) != 0 ? 4 : 0);

    private static uint Load32(byte* p) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(p));
}
