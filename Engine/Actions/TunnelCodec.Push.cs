using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

public static unsafe partial class TunnelCodec
{
    /// <summary>UDP source ports come from here up to <see cref="SourcePortEnd"/> (OVS <c>tnl_udp_port_min</c>).</summary>
    private const uint SourcePortStart = 32_768;

    private const uint SourcePortEnd = 61_000;

    /// <summary>
    /// Puts <paramref name="header"/> in front of the packet and fills in lengths, source port and checksums. What leaves is a new packet:
    /// of the metadata only in_port remains (OVS <c>netdev_push_header</c>).
    /// </summary>
    /// <param name="packet">The packet to carry, a whole Ethernet frame.</param>
    /// <param name="header">From <see cref="TunnelHeader.Build"/>.</param>
    /// <param name="flowHash">Hash of the inner flow: gives the UDP source port.</param>
    /// <returns>False if there is no headroom; the packet is unchanged and has to be dropped.</returns>
    public static bool Push(Packet* packet, in TunnelHeader header, uint flowHash)
    {
        int front = header.LengthBytes;
        if (packet->HeadroomBytes < front) return false;

        packet->Data -= front;
        packet->LengthBytes += front;
        packet->HeadroomBytes = (ushort)(packet->HeadroomBytes - front);
        header.Bytes.CopyTo(new Span<byte>(packet->Data, front));
        byte* ip = packet->Data + 14;
        int l3Size = packet->LengthBytes - 14;
        int networkSize = header.IsIpv6 ? 40 : 20;
        int l4Size = l3Size - networkSize;
        if (header.IsIpv6)
        {
            Store16(ip + 4, l4Size);
        }
        else
        {
            Store16(ip + 2, l3Size);
            ushort checksum = Unsafe.ReadUnaligned<ushort>(ip + 10);
            Unsafe.WriteUnaligned(ip + 10, InternetChecksum.Recalc16(checksum, 0, Unsafe.ReadUnaligned<ushort>(ip + 2)));
        }

        byte* l4 = ip + networkSize;
        if (header.Kind == TunnelKind.Gre) FinishGre(l4, l4Size);
        else FinishUdp(ip, l4, l4Size, header.IsIpv6, flowHash);
        ForgetInner(packet);
        return true;
    }

    private static void FinishUdp(byte* ip, byte* udp, int size, bool isIpv6, uint flowHash)
    {
        Store16(udp, (int)(((ulong)flowHash * (SourcePortEnd - SourcePortStart)) >> 32) + (int)SourcePortStart);
        Store16(udp + 4, size);

        // The mark in the checksum field, 0xffff, counts as zero in the sum.
        if (Unsafe.ReadUnaligned<ushort>(udp + 6) == 0) return;
        ushort checksum = isIpv6
            ? InternetChecksum.UpperLayer6(ip, udp, IpProto.Udp, (ushort)size)
            : InternetChecksum.Fold(InternetChecksum.Sum(udp, size, InternetChecksum.PseudoHeaderV4(ip)));
        Unsafe.WriteUnaligned(udp + 6, InternetChecksum.UdpOnWire(checksum));
    }

    private static void FinishGre(byte* gre, int size)
    {
        if ((gre[0] & GreChecksum) != 0) Unsafe.WriteUnaligned(gre + 4, InternetChecksum.Compute(gre, size));
    }

    private static void ForgetInner(Packet* packet)
    {
        packet->KeyLanes = FlowKey.HotLanes;
        ref Vector256<byte> lane = ref FlowKey.Lane(ref packet->Key, Lanes.Link);
        lane &= Vector256.Create(0, 0, 0x0000_0000_ffff_ffff, 0ul).AsByte();
        FlowKey.Lane(ref packet->Key, Lanes.Network) = Vector256<byte>.Zero;
        packet->Flags = PacketFlags.None;
        packet->L2PadBytes = 0;
    }

    private static void Store16(byte* p, int host) => Unsafe.WriteUnaligned(p, Be16.FromHost((ushort)host).Raw);
}
