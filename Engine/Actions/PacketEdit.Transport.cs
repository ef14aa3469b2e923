using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

public static unsafe partial class PacketEdit
{
    private const int TcpHeaderSizeBytes = 20;
    private const int UdpHeaderSizeBytes = 8;
    private const int SctpHeaderSizeBytes = 12;
    private const int IcmpHeaderSizeBytes = 8;

    /// <summary>Type and code are the low bytes of the two port fields.</summary>
    private static readonly uint s_typeCodeMask = Be32.FromHost(0x00ff_00ff).Raw;

    /// <summary>
    /// Rewrites ports, or ICMP type and code, with the checksum (OVS <c>packet_set_tcp_port</c>, <c>packet_set_udp_port</c>,
    /// <c>packet_set_sctp_port</c>, <c>packet_set_icmp</c>). Nothing happens to a packet of another protocol.
    /// </summary>
    public static void SetL4(Packet* packet, in DpSetL4 set)
    {
        MiniflowExtractor.EnsureParsed(packet);
        if (packet->L4Offset == Packet.NoOffset || packet->Key.NwProto != set.Proto) return;
        bool isLater = (packet->Key.NwFrag & NwFrag.Later) != 0;
        bool isIcmp = set.Proto is IpProto.Icmp or IpProto.Icmpv6;
        if (isLater && !isIcmp) return;

        byte* l4 = packet->Data + packet->L4Offset;
        int size = L4SizeBytes(packet);
        uint mask = set.SrcMask.Raw | ((uint)set.DstMask.Raw << 16);

        // packet_set_icmp writes type and code, and does not ask whether a later fragment has any.
        if (isIcmp) mask = isLater ? s_typeCodeMask : mask & s_typeCodeMask;
        uint value = (set.Src.Raw | ((uint)set.Dst.Raw << 16)) & mask;
        bool isWritten = set.Proto switch
        {
            IpProto.Tcp => SetTcpPorts(l4, size, mask, value),
            IpProto.Udp => SetUdpPorts(l4, size, mask, value),
            IpProto.Sctp => SetSctpPorts(l4, size, mask, value),
            IpProto.Icmp or IpProto.Icmpv6 => SetTypeCode(l4, size, mask, value),
            _ => false,
        };
        if (!isWritten) return;
        packet->CtConnRef = 0;

        // A new ICMPv6 type can make a neighbour discovery message of it, or stop being one.
        if (isLater || set.Proto == IpProto.Icmpv6) packet->Flags |= PacketFlags.Outdated;
        else Blend(packet, 1, Vector256.Create(0, 0, (ulong)mask << 32, 0), Vector256.Create(0, 0, (ulong)value << 32, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool SetTcpPorts(byte* l4, int size, uint mask, uint value)
    {
        if (size < TcpHeaderSizeBytes) return false;
        int headerSize = (l4[12] >> 4) * 4;
        if (headerSize < TcpHeaderSizeBytes || headerSize > size) return false;
        if (ReplacePorts(l4, mask, value, out ulong change)) ChangeChecksum(l4 + 16, change);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool SetUdpPorts(byte* l4, int size, uint mask, uint value)
    {
        if (size < UdpHeaderSizeBytes) return false;
        if (ReplacePorts(l4, mask, value, out ulong change)) ChangeUdpChecksum(l4 + 6, change);
        return true;
    }

    /// <summary>Writes the ports; a port that stays the same adds nothing to the change, as in OVS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReplacePorts(byte* l4, uint mask, uint value, out ulong change)
    {
        uint old = Unsafe.ReadUnaligned<uint>(l4);
        uint now = (old & ~mask) | value;
        uint differing = old ^ now;
        change = 0;
        if (differing == 0) return false;
        if ((differing & 0xffff) != 0) change += (ulong)(ushort)~old + (ushort)now;
        if ((differing >> 16) != 0) change += (ulong)(ushort)(~old >> 16) + (now >> 16);
        Unsafe.WriteUnaligned(l4, now);
        return true;
    }

    /// <summary>CRC32c is linear: the old checksum, right or wrong, is kept up to the difference of the two right ones.</summary>
    private static bool SetSctpPorts(byte* l4, int size, uint mask, uint value)
    {
        if (size < SctpHeaderSizeBytes) return false;
        uint old = Unsafe.ReadUnaligned<uint>(l4);
        uint checksum = Unsafe.ReadUnaligned<uint>(l4 + 8);
        Unsafe.WriteUnaligned(l4 + 8, 0u);
        uint before = Crc32c.Compute(l4, size);
        Unsafe.WriteUnaligned(l4, (old & ~mask) | value);
        uint after = Crc32c.Compute(l4, size);
        Unsafe.WriteUnaligned(l4 + 8, checksum ^ before ^ after);
        return true;
    }

    /// <summary>The key holds type and code as 16-bit numbers: their bytes are the second of each pair.</summary>
    private static bool SetTypeCode(byte* l4, int size, uint mask, uint value)
    {
        if (size < IcmpHeaderSizeBytes) return false;
        ushort old = Unsafe.ReadUnaligned<ushort>(l4);
        ushort wireMask = (ushort)(((mask >> 8) & 0xff) | ((mask >> 16) & 0xff00));
        ushort wireValue = (ushort)(((value >> 8) & 0xff) | ((value >> 16) & 0xff00));
        ushort now = (ushort)((old & ~wireMask) | wireValue);
        if (now == old) return true;
        Unsafe.WriteUnaligned(l4, now);
        ChangeChecksum(l4 + 2, (ulong)(ushort)~old + now);
        return true;
    }
}
