using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <summary>
/// Receive checksum verification for ports whose device does not do it (DPDK <c>RTE_ETH_RX_OFFLOAD_CHECKSUM</c>). "Good" and "bad" are
/// what connection tracking would find by itself (OVS lib/conntrack.c <c>checksum_valid</c>): over the whole IP payload, whatever the
/// UDP length says.
/// </summary>
public static unsafe class PacketChecksums
{
    private const PacketFlags All = PacketFlags.IpCsumGood | PacketFlags.IpCsumBad | PacketFlags.L4CsumGood | PacketFlags.L4CsumBad;
    private const int TcpHeaderSizeBytes = 20;
    private const int UdpHeaderSizeBytes = 8;

    /// <summary>
    /// Sets the checksum flags of a packet, parsing it if need be. The IPv4 header always gets a verdict; TCP and UDP get one unless
    /// the packet is a fragment or the header is cut off; other protocols get none. A partial checksum stays good.
    /// </summary>
    public static void Verify(Packet* packet)
    {
        MiniflowExtractor.EnsureParsed(packet);
        bool isPartial = (packet->Flags & PacketFlags.CsumPartial) != 0;
        packet->Flags &= isPartial ? ~(All & ~PacketFlags.L4CsumGood) : ~All;
        ushort type = packet->Key.DlType.Host;
        if (packet->L4Offset == Packet.NoOffset || type is not (EthType.Ip or EthType.Ipv6)) return;

        byte* ip = packet->Data + packet->L3Offset;
        if (type == EthType.Ip)
        {
            bool isGood = InternetChecksum.Compute(ip, packet->L4Offset - packet->L3Offset) == 0;
            packet->Flags |= isGood ? PacketFlags.IpCsumGood : PacketFlags.IpCsumBad;
        }

        if (isPartial || packet->Key.NwFrag != NwFrag.No) return;
        byte* l4 = packet->Data + packet->L4Offset;
        int size = packet->LengthBytes - packet->L4Offset - packet->L2PadBytes;
        bool? verdict = packet->Key.NwProto switch
        {
            IpProto.Tcp when size >= TcpHeaderSizeBytes => IsTransportGood(packet, l4, size),
            IpProto.Udp when size >= UdpHeaderSizeBytes => IsUdpGood(packet, l4, size),
            _ => null,
        };
        if (verdict is bool good) packet->Flags |= good ? PacketFlags.L4CsumGood : PacketFlags.L4CsumBad;
    }

    /// <summary>A UDP length that contradicts the datagram is as bad as a wrong checksum; over IPv4 a checksum of 0 means none was made.</summary>
    private static bool IsUdpGood(Packet* packet, byte* l4, int size)
    {
        int udpLength = (l4[4] << 8) | l4[5];
        if (udpLength < UdpHeaderSizeBytes || udpLength > size) return false;
        bool isUnchecked = Unsafe.ReadUnaligned<ushort>(l4 + 6) == 0 && packet->Key.DlType.Host == EthType.Ip;
        return isUnchecked || IsTransportGood(packet, l4, size);
    }

    /// <summary>Whether the checksum over pseudo-header and transport header of a parsed packet is right.</summary>
    internal static bool IsTransportGood(Packet* packet, byte* l4, int size)
    {
        byte* ip = packet->Data + packet->L3Offset;
        if (packet->Key.DlType.Host == EthType.Ipv6) return InternetChecksum.UpperLayer6(ip, l4, packet->Key.NwProto, (ushort)size) == 0;
        return InternetChecksum.Fold(InternetChecksum.Sum(l4, size, InternetChecksum.PseudoHeaderV4(ip))) == 0;
    }
}
