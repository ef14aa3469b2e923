using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

public static unsafe partial class PacketEdit
{
    private static readonly ushort s_ipv4Type = Be16.FromHost(EthType.Ip).Raw;

    /// <summary>Rewrites IPv4 addresses, TOS and TTL, with the header checksum and that of TCP or UDP (OVS <c>odp_set_ipv4</c>).</summary>
    public static void SetIpv4(Packet* packet, in DpSetIpv4 set)
    {
        MiniflowExtractor.EnsureParsed(packet);
        if (packet->Key.DlType.Raw != s_ipv4Type || packet->L4Offset == Packet.NoOffset) return;

        byte* ip = packet->Data + packet->L3Offset;
        ulong change = 0;
        bool isNewAddress = ReplaceAddress(ip + 12, set.Src.Raw, set.SrcMask.Raw, ref change)
            | ReplaceAddress(ip + 16, set.Dst.Raw, set.DstMask.Raw, ref change);
        if (isNewAddress)
        {
            ChangeTransportChecksum(packet, change);
            packet->CtConnRef = 0;
        }

        // The two bytes are the low and the high half of their checksum words; the other half does not change and cancels out.
        bool isNewByte = ReplaceByte(ip + 1, set.Tos, set.TosMask, 8, ref change) | ReplaceByte(ip + 8, set.Ttl, set.TtlMask, 0, ref change);
        if (!isNewAddress && !isNewByte) return;
        ChangeChecksum(ip + 10, change);

        // Lane 1 has the fields where the IPv4 header has them.
        ulong m0 = (ulong)set.TosMask << 8;
        ulong m1 = set.TtlMask | ((ulong)set.SrcMask.Raw << 32);
        ulong m2 = set.DstMask.Raw;
        Blend(
            packet,
            1,
            Vector256.Create(m0, m1, m2, 0),
            Vector256.Create(((ulong)set.Tos << 8) & m0, (set.Ttl | ((ulong)set.Src.Raw << 32)) & m1, set.Dst.Raw & m2, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReplaceAddress(byte* field, uint value, uint mask, ref ulong change)
    {
        uint old = Unsafe.ReadUnaligned<uint>(field);
        uint now = (old & ~mask) | (value & mask);
        if (now == old) return false;
        Unsafe.WriteUnaligned(field, now);
        change += (ulong)~old + now;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReplaceByte(byte* field, byte value, byte mask, int shift, ref ulong change)
    {
        uint old = *field;
        uint now = (old & ~(uint)mask) | ((uint)value & mask);
        if (now == old) return false;
        *field = (byte)now;
        change += (ushort)~(old << shift) + (now << shift);
        return true;
    }

    /// <summary>
    /// Pseudo-header change of an IPv4 packet. As in OVS (<c>packet_set_ipv4_addr</c>) the two bytes where a transport checksum would be
    /// change in later fragments too, although payload is there.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ChangeTransportChecksum(Packet* packet, ulong change)
    {
        byte* l4 = packet->Data + packet->L4Offset;
        byte proto = packet->Key.NwProto;
        if (proto == IpProto.Tcp && L4SizeBytes(packet) >= 20) ChangeChecksum(l4 + 16, change);
        else if (proto == IpProto.Udp && L4SizeBytes(packet) >= 8) ChangeUdpChecksum(l4 + 6, change);
    }
}
