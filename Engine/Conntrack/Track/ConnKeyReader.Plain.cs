using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// What the direct way reads of TCP and UDP: its tuple from the parsed key (three loads: the key has the ports behind the addresses), its checks are those of
/// the general way in another order.
/// </remarks>
internal readonly unsafe partial struct ConnKeyReader
{
    /// <summary>Hash for <see cref="ConnThread.Execute(Packet*, in DpCt, long, ulong, out CtVerdict)"/> of a TCP or UDP packet, from its key; 0 for others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong HashOf(Packet* packet, ushort zone)
    {
        FlowKey* k = &packet->Key;
        bool hasPorts = k->NwProto is IpProto.Tcp or IpProto.Udp && k->NwFrag == NwFrag.No;
        bool isIpv6 = k->DlType.Raw == CtHeaders.Ipv6Raw;
        if (!hasPorts || (!isIpv6 && k->DlType.Raw != CtHeaders.Ipv4Raw)) return 0;
        return _hash.OfKey(isIpv6 ? OfIpv6(k, zone) : OfIpv4(k, zone));
    }

    /// <summary>The tuple of a TCP or UDP packet over IPv4, from its parsed key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ConnKey OfIpv4(FlowKey* k, ushort zone)
    {
        ConnKey key;
        Unsafe.SkipInit(out key);
        key.Tail = TailOf(k, zone);
        key.Addrs = Unsafe.ReadUnaligned<ulong>(&k->NwSrc);
        return key;
    }

    /// <summary>The same over IPv6.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnKey OfIpv6(FlowKey* k, ushort zone)
    {
        ConnKey key;
        Unsafe.SkipInit(out key);
        key.Tail = TailOf(k, zone) | ((ulong)ConnKey.AuxIpv6 << 40);
        key.Addrs = _hash.OfAddress(k->Ipv6Src) | ((ulong)_hash.OfAddress(k->Ipv6Dst) << 32);
        return key;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong TailOf(FlowKey* k, ushort zone)
        => Unsafe.ReadUnaligned<uint>(&k->TpSrc) | ((ulong)k->NwProto << 32) | ((ulong)zone << 48);

    /// <summary>The part of the checks on entry that costs nothing: header lengths, nothing between IPv6 and L4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsPlain(Packet* packet, byte* l3, byte* l4, int l4SizeBytes, byte proto, bool isIpv6)
    {
        if ((packet->Flags & (PacketFlags.IpCsumBad | PacketFlags.L4CsumBad)) != 0) return false;
        if (isIpv6 && l4 != l3 + CtHeaders.Ipv6Bytes) return false;
        if (proto == IpProto.Tcp)
        {
            int headerSize = l4SizeBytes >= CtHeaders.TcpBytes ? (l4[12] >> 4) * 4 : 0;
            return headerSize >= CtHeaders.TcpBytes && headerSize <= l4SizeBytes;
        }
        if (l4SizeBytes < CtHeaders.UdpBytes) return false;
        int udpSize = CtHeaders.Read16(l4 + 4);
        return udpSize >= CtHeaders.UdpBytes && udpSize <= l4SizeBytes;
    }

    /// <summary>The other part: what costs a look at the bytes, unless the port has verified them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreChecksumsRight(Packet* packet, byte* l3, byte* l4, int l4SizeBytes, byte proto, bool isIpv6)
    {
        if (!isIpv6 && (packet->Flags & PacketFlags.IpCsumGood) == 0 && InternetChecksum.Compute(l3, (*l3 & 0x0f) * 4) != 0) return false;
        if ((packet->Flags & PacketFlags.L4CsumGood) != 0) return true;
        if (!isIpv6 && proto == IpProto.Udp && Unsafe.ReadUnaligned<ushort>(l4 + 6) == 0) return true;
        uint seed = isIpv6
            ? InternetChecksum.PseudoHeaderV6(l3 + 8, l3 + 24, proto, (uint)l4SizeBytes)
            : InternetChecksum.PseudoHeaderV4(l3);
        return InternetChecksum.Fold(InternetChecksum.Sum(l4, l4SizeBytes, seed)) == 0;
    }

    /// <summary>
    /// What <c>Execute</c> checks of a TCP or UDP packet's bytes before it looks anything up. IPv6 with extension headers is left to it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsTrackable(Packet* packet, byte* l4, int l4SizeBytes, byte proto)
    {
        if (packet->L4Offset == Packet.NoOffset || packet->Key.NwProto != proto) return false;
        byte* l3 = packet->Data + packet->L3Offset;
        bool isIpv6 = packet->Key.DlType.Raw == CtHeaders.Ipv6Raw;
        return IsPlain(packet, l3, l4, l4SizeBytes, proto, isIpv6) && AreChecksumsRight(packet, l3, l4, l4SizeBytes, proto, isIpv6);
    }
}
