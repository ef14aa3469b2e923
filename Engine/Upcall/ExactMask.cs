using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <summary>The mask of a megaflow that matches its packet alone, every field that the packet has (OVS <c>flow_wildcards_init_for_packet</c>): for <c>upcall/disable-megaflows</c>.</summary>
public static class ExactMask
{
    /// <summary>All that a key says.</summary>
    public static FlowKey Of(in FlowKey key)
    {
        FlowKey mask = default;
        FlowKey.Lane(ref mask, Lanes.Link) = Vector256<byte>.AllBitsSet;
        ushort type = key.DlType.Host;
        bool isIp = type is EthType.Ip or EthType.Ipv6;
        if (!isIp) mask.NwFrag = 0;
        mask.PktMark = new Be32(~0u);
        mask.SkbPriority = new Be16(0xffff);
        mask.DpHash = new Be32(~0u);
        mask.CtLabel = Ipv6Address.FromUInt128(UInt128.MaxValue);
        if (key.Vlan0Tci.Raw != 0) (mask.Vlan0Tpid, mask.Vlan1Tci) = (new Be16(0xffff), new Be16(0xffff));
        if (key.Vlan1Tci.Raw != 0) mask.Vlan1Tpid = new Be16(0xffff);
        if (key.TunDst.Raw != 0 || !key.TunIpv6Dst.IsZero) mask.Bytes.Slice(Lanes.At(Lanes.Tunnel), 2 * Lanes.SizeBytes).Fill(0xff);
        if (key.CtNwProto != 0 && isIp) AddTuple(ref mask, type);
        switch (type)
        {
            case EthType.Ip or EthType.Ipv6:
                AddNetwork(ref mask, key, type);
                break;
            case EthType.Arp or EthType.Rarp:
                (mask.NwSrc, mask.NwDst, mask.NwProto) = (new Be32(~0u), new Be32(~0u), 0xff);
                (mask.ArpSha, mask.ArpTha) = (EthAddress.FromUInt64(0xffff_ffff_ffff), EthAddress.FromUInt64(0xffff_ffff_ffff));
                break;
            case EthType.Mpls or EthType.MplsMcast:
                mask.MplsLse0 = new Be32(~0u);
                if (key.MplsLse1.Raw != 0) mask.MplsLse1 = new Be32(~0u);
                if (key.MplsLse2.Raw != 0) mask.MplsLse2 = new Be32(~0u);
                break;
        }

        return mask;
    }

    private static void AddTuple(ref FlowKey mask, ushort type)
    {
        (mask.CtNwProto, mask.CtTpSrc, mask.CtTpDst) = (0xff, new Be16(0xffff), new Be16(0xffff));
        if (type == EthType.Ip) (mask.CtNwSrc, mask.CtNwDst) = (new Be32(~0u), new Be32(~0u));
        else (mask.CtIpv6Src, mask.CtIpv6Dst) = (Ipv6Address.FromUInt128(UInt128.MaxValue), Ipv6Address.FromUInt128(UInt128.MaxValue));
    }

    private static void AddNetwork(ref FlowKey mask, in FlowKey key, ushort type)
    {
        (mask.NwProto, mask.NwTos, mask.NwTtl) = (0xff, 0xff, 0xff);
        if (type == EthType.Ip)
        {
            (mask.NwSrc, mask.NwDst) = (new Be32(~0u), new Be32(~0u));
        }
        else
        {
            (mask.Ipv6Src, mask.Ipv6Dst) = (Ipv6Address.FromUInt128(UInt128.MaxValue), Ipv6Address.FromUInt128(UInt128.MaxValue));
            mask.Ipv6Label = Be32.FromHost(0xfffff);
        }

        if ((key.NwFrag & NwFrag.Later) != 0 || key.NwProto is not (IpProto.Tcp or IpProto.Udp or IpProto.Sctp or IpProto.Icmp or IpProto.Igmp or IpProto.Icmpv6)) return;
        (mask.TpSrc, mask.TpDst) = (new Be16(0xffff), new Be16(0xffff));
        if (key.NwProto == IpProto.Tcp) mask.TcpFlags = new Be16(0xffff);
        if (type != EthType.Ipv6 || key.NwProto != IpProto.Icmpv6 || key.TpSrc.Host is not (135 or 136)) return;
        mask.NdTarget = Ipv6Address.FromUInt128(UInt128.MaxValue);
        (mask.ArpSha, mask.ArpTha) = (EthAddress.FromUInt64(0xffff_ffff_ffff), EthAddress.FromUInt64(0xffff_ffff_ffff));
    }
}
