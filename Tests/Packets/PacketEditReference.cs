using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mergeflow.Tests;

/// <summary>
/// The slow way to rewrite headers: byte by byte on a managed copy, each changed 16-bit word folded into the checksum by itself
/// (RFC 1624 equation 3).
/// </summary>
internal static class PacketEditReference
{
    /// <summary>The frame after one action; with <paramref name="leavesAtomic"/> as Open vSwitch rewrites an atomic fragment of IPv6.</summary>
    public static byte[] Apply(PacketRef parsed, in DpAction a, bool leavesAtomic = false)
    {
        byte[] f = parsed.Frame.ToArray();
        FlowKey key = parsed.WholeKey();
        ref Packet d = ref parsed.Descriptor;
        int l3 = d.L3Offset;
        int l4 = d.L4Offset;
        int l4Size = l4 == Packet.NoOffset ? 0 : f.Length - l4 - d.L2PadBytes;
        bool isLater = (key.NwFrag & NwFrag.Later) != 0;
        switch (a.Op)
        {
            case DpOp.SetEth:
                if (f.Length < 14) return f;
                Write(f, 0, Bytes(a.Eth.Dst), Bytes(a.Eth.DstMask));
                Write(f, 6, Bytes(a.Eth.Src), Bytes(a.Eth.SrcMask));
                return f;
            case DpOp.SetVlan:
                if (key.Vlan0Tci.Raw == 0) return f;
                Write(f, 14, Bytes(a.Vlan.Tci), Bytes(a.Vlan.TciMask));
                f[14] &= 0xef;
                return f;
            case DpOp.PushVlan:
                if (f.Length < 12) return f;
                return [.. f[..12], (byte)(a.EthType >> 8), (byte)a.EthType, (byte)((a.VlanTci >> 8) & 0xef), (byte)a.VlanTci, .. f[12..]];
            case DpOp.PopVlan:
                return key.Vlan0Tci.Raw == 0 ? f : [.. f[..12], .. f[16..]];
            case DpOp.SetIpv4:
                if (key.DlType.Host != EthType.Ip || l4 == Packet.NoOffset) return f;
                int transport = TransportChecksum(key.NwProto, l4, l4Size, isIpv6: false);
                WriteSummed(f, l3 + 12, Bytes(a.Ipv4.Src), Bytes(a.Ipv4.SrcMask), [l3 + 10, transport], key.NwProto);
                WriteSummed(f, l3 + 16, Bytes(a.Ipv4.Dst), Bytes(a.Ipv4.DstMask), [l3 + 10, transport], key.NwProto);
                WriteSummed(f, l3, [0, a.Ipv4.Tos], [0, a.Ipv4.TosMask], [l3 + 10], 0);
                WriteSummed(f, l3 + 8, [a.Ipv4.Ttl, 0], [a.Ipv4.TtlMask, 0], [l3 + 10], 0);
                return f;
            case DpOp.SetIpv6Addr:
                if (key.DlType.Host != EthType.Ipv6 || l4 == Packet.NoOffset) return f;
                int transport6 = Follows(f, l3, l4, leavesAtomic) ? TransportChecksum(key.NwProto, l4, l4Size, isIpv6: true) : -1;
                WriteSummed(f, l3 + 8, Bytes(a.Ipv6.Src), Bytes(a.Ipv6.SrcMask), [transport6], key.NwProto);
                WriteSummed(f, l3 + 24, Bytes(a.Ipv6.Dst), Bytes(a.Ipv6.DstMask), [transport6], key.NwProto);
                return f;
            case DpOp.SetIpv6Misc:
                if (key.DlType.Host != EthType.Ipv6 || l4 == Packet.NoOffset) return f;
                uint word = BinaryPrimitives.ReadUInt32BigEndian(f.AsSpan(l3));
                uint mask = ((uint)a.Ipv6Misc.TrafficClassMask << 20) | (a.Ipv6Misc.LabelMask.Host & 0xfffff);
                uint value = ((uint)a.Ipv6Misc.TrafficClass << 20) | (a.Ipv6Misc.Label.Host & 0xfffff);
                BinaryPrimitives.WriteUInt32BigEndian(f.AsSpan(l3), (word & ~mask) | (value & mask));
                Write(f, l3 + 7, [a.Ipv6Misc.HopLimit], [a.Ipv6Misc.HopLimitMask]);
                return f;
            case DpOp.SetL4:
                if (l4 == Packet.NoOffset || key.NwProto != a.L4.Proto) return f;
                SetL4(f, l4, l4Size, a.L4, isLater);
                return f;
            case DpOp.SetArp:
                if (key.DlType.Host is not (EthType.Arp or EthType.Rarp) || f.Length - l3 < 28) return f;
                Write(f, l3 + 6, Bytes(a.Arp.Op), Bytes(a.Arp.OpMask));
                Write(f, l3 + 8, Bytes(a.Arp.Sha), Bytes(a.Arp.ShaMask));
                Write(f, l3 + 14, Bytes(a.Arp.Spa), Bytes(a.Arp.SpaMask));
                Write(f, l3 + 18, Bytes(a.Arp.Tha), Bytes(a.Arp.ThaMask));
                Write(f, l3 + 24, Bytes(a.Arp.Tpa), Bytes(a.Arp.TpaMask));
                return f;
            case DpOp.SetNd:
                if (key.NwProto == IpProto.Icmpv6 && l4Size >= 24) SetNd(f, l4, l4Size, a.Nd);
                return f;
            case DpOp.SetMpls:
                if (d.L25Offset != Packet.NoOffset && l3 > d.L25Offset) Write(f, d.L25Offset, Bytes(a.Mpls.Lse), Bytes(a.Mpls.LseMask));
                return f;
            case DpOp.PushMpls:
                if (l3 == Packet.NoOffset) return f;
                int at = d.L25Offset != Packet.NoOffset ? d.L25Offset : l3;
                SetType(f, at, a.EthType);
                byte[] lse = new byte[4];
                BinaryPrimitives.WriteUInt32BigEndian(lse, a.MplsLse);
                return [.. f[..at], .. lse, .. f[at..]];
            case DpOp.PopMpls:
                if (d.L25Offset == Packet.NoOffset || l3 == d.L25Offset) return f;
                SetType(f, d.L25Offset, a.EthType);
                return [.. f[..d.L25Offset], .. f[(d.L25Offset + 4)..]];
            default:
                throw new ArgumentException(a.Op.ToString());
        }
    }

    private static void SetL4(byte[] f, int l4, int size, DpSetL4 set, bool isLater)
    {
        if (isLater && set.Proto is not (IpProto.Icmp or IpProto.Icmpv6)) return;
        int checksum;
        switch (set.Proto)
        {
            case IpProto.Tcp:
                if (size < 20 || (f[l4 + 12] >> 4) < 5 || (f[l4 + 12] >> 4) * 4 > size) return;
                checksum = l4 + 16;
                break;
            case IpProto.Udp:
                if (size < 8) return;
                checksum = l4 + 6;
                break;
            case IpProto.Sctp:
                if (size < 12) return;
                uint wrongBy = Crc32c(f, l4, size) ^ BinaryPrimitives.ReadUInt32LittleEndian(f.AsSpan(l4 + 8));
                Write(f, l4, Bytes(set.Src), Bytes(set.SrcMask));
                Write(f, l4 + 2, Bytes(set.Dst), Bytes(set.DstMask));
                BinaryPrimitives.WriteUInt32LittleEndian(f.AsSpan(l4 + 8), Crc32c(f, l4, size) ^ wrongBy);
                return;
            case IpProto.Icmp or IpProto.Icmpv6:
                if (size < 8) return;
                byte[] typeCode = [(byte)set.Src.Host, (byte)set.Dst.Host];
                byte[] typeCodeMask = isLater ? [0xff, 0xff] : [(byte)set.SrcMask.Host, (byte)set.DstMask.Host];
                WriteSummed(f, l4, typeCode, typeCodeMask, [l4 + 2], set.Proto);
                return;
            default:
                return;
        }

        WriteSummed(f, l4, Bytes(set.Src), Bytes(set.SrcMask), [checksum], set.Proto);
        WriteSummed(f, l4 + 2, Bytes(set.Dst), Bytes(set.DstMask), [checksum], set.Proto);
    }

    private static void SetNd(byte[] f, int l4, int size, DpSetNd set)
    {
        WriteSummed(f, l4 + 8, Bytes(set.Target), Bytes(set.TargetMask), [l4 + 2], IpProto.Icmpv6);
        for (int at = l4 + 24; at + 8 <= l4 + size && f[at + 1] != 0; at += f[at + 1] * 8)
        {
            if (f[at + 1] != 1 || f[at] is not (1 or 2)) continue;
            bool isSource = f[at] == 1;
            WriteSummed(f, at + 2, Bytes(isSource ? set.Sll : set.Tll), Bytes(isSource ? set.SllMask : set.TllMask), [l4 + 2], IpProto.Icmpv6);
            return;
        }
    }

    /// <summary>CRC32c over the packet with its checksum field zero, bit by bit (RFC 9260 appendix A).</summary>
    public static uint Crc32c(byte[] f, int at, int size)
    {
        uint crc = uint.MaxValue;
        for (int i = 0; i < size; i++)
        {
            crc ^= i is >= 8 and < 12 ? (byte)0 : f[at + i];
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
        }

        return ~crc;
    }

    private static void SetType(byte[] f, int payload, ushort type)
    {
        bool isTagged = BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(12)) is EthType.Vlan or EthType.QinQ;
        BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(isTagged ? payload - 2 : 12), type);
    }

    /// <summary>Offset of the transport checksum, or -1 where there is none that covers the addresses.</summary>
    private static int TransportChecksum(byte proto, int l4, int size, bool isIpv6) => proto switch
    {
        IpProto.Tcp when size >= 20 => l4 + 16,
        IpProto.Udp when size >= 8 => l4 + 6,
        IpProto.Icmpv6 when isIpv6 && size >= 4 => l4 + 2,
        _ => -1,
    };

    /// <summary>
    /// Does the transport checksum cover the addresses that stand in the header, and is it there? RFC 8200 4.5: the transport header is where the
    /// offset is 0. RFC 6946: with M clear too that is a whole packet, which is why only Open vSwitch leaves it alone.
    /// </summary>
    private static bool Follows(byte[] f, int l3, int l4, bool leavesAtomic)
    {
        bool follows = true;
        byte proto = f[l3 + 6];
        for (int at = l3 + 40; at < l4;)
        {
            byte next = f[at];
            int size = proto switch { 44 => 8, 51 => (f[at + 1] + 2) * 4, _ => (f[at + 1] + 1) * 8 };
            if (proto == 43 && f[at + 3] != 0) return false;
            if (proto == 44)
            {
                bool isFirst = f[at + 2] == 0 && f[at + 3] < 8, hasMore = f[at + 3] % 2 == 1;
                follows = isFirst && (hasMore || !leavesAtomic);
            }

            proto = next;
            at += size;
        }

        return follows;
    }

    /// <summary>Writes under a mask; if the field changed, folds each of its words into each checksum.</summary>
    private static void WriteSummed(byte[] f, int at, ReadOnlySpan<byte> value, ReadOnlySpan<byte> mask, ReadOnlySpan<int> checksums, byte proto)
    {
        byte[] old = f[at..(at + value.Length)];
        Write(f, at, value, mask);
        if (f.AsSpan(at, value.Length).SequenceEqual(old)) return;
        for (int n = 0; n < checksums.Length; n++)
        {
            int checksum = checksums[n];
            if (checksum < 0) continue;
            int sum = BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(checksum));
            bool isUdp = proto == IpProto.Udp && n == checksums.Length - 1;
            if (isUdp && sum == 0) continue;
            for (int i = 0; i < value.Length; i += 2)
            {
                int total = (sum ^ 0xffff) + (((old[i] << 8) | old[i + 1]) ^ 0xffff) + ((f[at + i] << 8) | f[at + i + 1]);
                while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
                sum = total ^ 0xffff;
            }

            if (isUdp && sum == 0) sum = 0xffff;
            BinaryPrimitives.WriteUInt16BigEndian(f.AsSpan(checksum), (ushort)sum);
        }
    }

    private static void Write(byte[] f, int at, ReadOnlySpan<byte> value, ReadOnlySpan<byte> mask)
    {
        for (int i = 0; i < value.Length; i++) f[at + i] = (byte)((f[at + i] & ~mask[i]) | (value[i] & mask[i]));
    }

    private static byte[] Bytes<T>(T value)
        where T : unmanaged
        => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(ref value)).ToArray();
}
