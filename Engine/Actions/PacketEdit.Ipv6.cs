using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

public static unsafe partial class PacketEdit
{
    private const int Ipv6HeaderSizeBytes = 40;
    private static readonly ushort s_ipv6Type = Be16.FromHost(EthType.Ipv6).Raw;

    /// <summary>
    /// Rewrites IPv6 addresses, with the checksum of TCP, UDP or ICMPv6 (OVS <c>packet_set_ipv6</c>); with <paramref name="leavesAtomic"/> not of an atomic
    /// fragment, as OVS does.
    /// </summary>
    public static void SetIpv6Addr(Packet* packet, in DpSetIpv6Addr set, bool leavesAtomic = false)
    {
        if (!HasIpv6(packet)) return;
        byte* ip = packet->Data + packet->L3Offset;

        // The record is value[0..31] mask[32..63], source first, as in the header and in lane 2.
        ref byte record = ref Unsafe.As<DpSetIpv6Addr, byte>(ref Unsafe.AsRef(in set));
        Vector256<byte> mask = Vector256.LoadUnsafe(ref record, 32);
        Vector256<byte> value = Vector256.LoadUnsafe(ref record) & mask;
        Vector256<byte> old = Vector256.Load(ip + 8);
        Vector256<byte> now = Vector256.AndNot(old, mask) | value;
        if (now == old) return;

        ulong change = 0;
        AddChange(old.GetLower().AsUInt32(), now.GetLower().AsUInt32(), ref change);
        AddChange(old.GetUpper().AsUInt32(), now.GetUpper().AsUInt32(), ref change);
        if (ChecksumFollowsAddresses(packet, leavesAtomic)) ChangeTransportChecksum6(packet, change);
        now.Store(ip + 8);
        FlowKey.Lane(ref packet->Key, Lanes.Ipv6) = now;
        packet->CtConnRef = 0;
        PacketMetadata.UpdateLaneBit(packet, Lanes.Ipv6);
    }

    /// <summary>Rewrites IPv6 flow label, traffic class and hop limit. No checksum covers them.</summary>
    public static void SetIpv6Misc(Packet* packet, in DpSetIpv6Misc set)
    {
        if (!HasIpv6(packet)) return;
        byte* ip = packet->Data + packet->L3Offset;
        uint labelMask = set.LabelMask.Host & 0xfffff;
        uint mask = labelMask | ((uint)set.TrafficClassMask << 20);
        uint value = ((set.Label.Host & labelMask) | ((uint)set.TrafficClass << 20)) & mask;
        uint now = (new Be32(Unsafe.ReadUnaligned<uint>(ip)).Host & ~mask) | value;
        Unsafe.WriteUnaligned(ip, Be32.FromHost(now).Raw);
        ip[7] = (byte)((ip[7] & ~set.HopLimitMask) | (set.HopLimit & set.HopLimitMask));

        Blend(
            packet,
            1,
            Vector256.Create((ulong)set.TrafficClassMask << 8, set.HopLimitMask, 0, 0),
            Vector256.Create((ulong)(set.TrafficClass & set.TrafficClassMask) << 8, (ulong)(set.HopLimit & set.HopLimitMask), 0, 0));
        if (labelMask == 0) return;
        PacketMetadata.EnsureLane(packet, Lanes.Rare);
        packet->Key.Ipv6Label = Be32.FromHost(now & 0xfffff);
        PacketMetadata.UpdateLaneBit(packet, Lanes.Rare);
    }

    private static bool HasIpv6(Packet* packet)
    {
        MiniflowExtractor.EnsureParsed(packet);
        return packet->Key.DlType.Raw == s_ipv6Type && packet->L4Offset != Packet.NoOffset;
    }

    /// <summary>Adds the words of an address if it changed at all, as OVS does address by address.</summary>
    private static void AddChange(Vector128<uint> old, Vector128<uint> now, ref ulong change)
    {
        if (old == now) return;
        for (int i = 0; i < 4; i++) change += (ulong)~old.GetElement(i) + now.GetElement(i);
    }

    /// <summary>
    /// Whether the transport checksum is to be updated. Not with a routing header that has segments left (the pseudo-header holds the
    /// final destination; OVS then leaves the checksum alone for either address), and behind a fragment header only where offset 0 says that the
    /// transport header is there: in a first fragment and in an atomic one (RFC 6946), whose checksum OVS leaves as it was.
    /// </summary>
    private static bool ChecksumFollowsAddresses(Packet* packet, bool leavesAtomic)
    {
        byte* header = packet->Data + packet->L3Offset + Ipv6HeaderSizeBytes;
        byte* end = packet->Data + packet->L4Offset;
        byte proto = packet->Data[packet->L3Offset + 6];
        bool follows = true;
        while (header < end)
        {
            const byte routing = 43, fragment = 44, authentication = 51;
            int size = (header[1] + 1) * 8;
            if (proto == routing && header[3] > 0) return false;
            if (proto == authentication) size = (header[1] + 2) * 4;
            else if (proto == fragment)
            {
                size = 8;
                int offset = (header[2] << 8) | header[3];
                follows = (offset & 0xfff8) == 0 && !(leavesAtomic && (offset & 1) == 0);
            }

            proto = header[0];
            header += size;
        }

        return follows;
    }

    private static void ChangeTransportChecksum6(Packet* packet, ulong change)
    {
        byte* l4 = packet->Data + packet->L4Offset;
        int size = L4SizeBytes(packet);
        switch (packet->Key.NwProto)
        {
            case IpProto.Tcp when size >= TcpHeaderSizeBytes:
                ChangeChecksum(l4 + 16, change);
                return;
            case IpProto.Udp when size >= UdpHeaderSizeBytes:
                ChangeUdpChecksum(l4 + 6, change);
                return;
            case IpProto.Icmpv6 when size >= 4:
                ChangeChecksum(l4 + 2, change);
                return;
        }
    }
}
