using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <summary>
/// What a switch makes of a match that ovs-ofctl sent: fields whose layer is not pinned are not encoded and so vanish
/// (OVS <c>nx_put_raw</c>, <c>ofputil_normalize_match</c>), fields that are encoded without their prerequisites are errors
/// (<c>nx_pull_raw</c>, OFPBMC_BAD_PREREQ).
/// </summary>
internal static class MatchNormalizer
{
    private const byte NdSolicit = 135;
    private const byte NdAdvert = 136;
    private const CtState ValidStates = CtState.New | CtState.Est | CtState.Rel | CtState.Rpl | CtState.SNat | CtState.DNat;

    /// <summary>Normalizes in place; returns false if anything the user wrote was dropped.</summary>
    /// <exception cref="FlowTextException">A prerequisite is missing that OVS insists on.</exception>
    public static bool Normalize(ref Match match, TextPiece where)
    {
        PipelineFlow before = match.Mask;
        ref FlowKey mask = ref match.Mask.Key;
        ref FlowKey value = ref match.Value.Key;
        ushort dlType = value.DlType.Host;
        bool ip = dlType == EthType.Ip, ipv6 = dlType == EthType.Ipv6, arp = dlType is EthType.Arp or EthType.Rarp;
        bool mpls = dlType is EthType.Mpls or EthType.MplsMcast;

        NormalizeVlan(ref match, where);
        mask.MplsLse0 = mpls ? WholeMplsFields(mask.MplsLse0) : default;
        if (!ip && !arp) mask.NwSrc = mask.NwDst = default;
        if (!ipv6)
        {
            mask.Ipv6Src = mask.Ipv6Dst = default;
            if (ip && mask.Ipv6Label.Host != 0) where.Fail("ipv6_label requires an IPv6 match (OFPBMC_BAD_PREREQ)");
            mask.Ipv6Label = default;
        }

        if (!ip && !ipv6)
        {
            mask.NwTos = mask.NwTtl = 0;
            mask.NwFrag = default;
            if (!arp) mask.NwProto = 0;
        }
        else
        {
            mask.NwTos = (byte)(((mask.NwTos & 0xfc) != 0 ? 0xfc : 0) | ((mask.NwTos & 3) != 0 ? 3 : 0));
        }

        NormalizeTransport(ref match, ip, ipv6, arp);
        CheckConntrack(ref match, ip, ipv6, where);
        for (int i = 0; i < PipelineFlow.LaneCount; i++)
        {
            PipelineFlow.Lane(ref match.Value, i) &= PipelineFlow.Lane(ref match.Mask, i);
        }

        return match.Mask.Bytes.SequenceEqual(before.Bytes);
    }

    /// <summary>OpenFlow 1.2+ carries VID and PCP apart, and the PCP only with a VID or a present tag.</summary>
    private static void NormalizeVlan(ref Match match, TextPiece where)
    {
        ushort mask = match.Mask.Key.Vlan0Tci.Host;
        ushort value = match.Value.Key.Vlan0Tci.Host;
        if ((mask & 0xe000) == 0) return;
        if ((value & 0x1fff) == 0)
        {
            match.Mask.Key.Vlan0Tci = Be16.FromHost((ushort)(mask & 0x1fff));
            return;
        }

        if ((value & 0x1000) == 0) where.Fail("vlan_pcp requires a match on a VLAN tag (OFPBMC_BAD_PREREQ)");
        match.Mask.Key.Vlan0Tci = Be16.FromHost((ushort)(mask | 0xf000));
    }

    private static Be32 WholeMplsFields(Be32 lse)
    {
        uint m = lse.Host, whole = 0;
        if ((m & 0xfffff000) != 0) whole |= 0xfffff000;
        if ((m & 0xe00) != 0) whole |= 0xe00;
        if ((m & 0x100) != 0) whole |= 0x100;
        if ((m & 0xff) != 0) whole |= 0xff;
        return Be32.FromHost(whole);
    }

    private static void NormalizeTransport(ref Match match, bool ip, bool ipv6, bool arp)
    {
        ref FlowKey mask = ref match.Mask.Key;
        ref FlowKey value = ref match.Value.Key;
        byte proto = mask.NwProto != 0 && (ip || ipv6) ? value.NwProto : (byte)0;
        bool icmp6 = ipv6 && proto == IpProto.Icmpv6;
        bool hasPorts = proto is IpProto.Tcp or IpProto.Udp or IpProto.Sctp || (ip && proto == IpProto.Icmp) || icmp6;
        if (!hasPorts) mask.TpSrc = mask.TpDst = default;
        if (proto != IpProto.Tcp) mask.TcpFlags = default;
        if (icmp6 || (ip && proto == IpProto.Icmp))
        {
            // Type and code travel as whole bytes, whatever the mask of tp_src and tp_dst said.
            (mask.TpSrc, value.TpSrc) = WholeByte(mask.TpSrc, value.TpSrc);
            (mask.TpDst, value.TpDst) = WholeByte(mask.TpDst, value.TpDst);
        }

        int type = icmp6 && value.TpDst.Host == 0 ? value.TpSrc.Host : 0;
        if (type is not (NdSolicit or NdAdvert)) mask.NdTarget = default;
        if (!arp && type != NdSolicit) mask.ArpSha = default;
        if (!arp && type != NdAdvert) mask.ArpTha = default;
    }

    private static (Be16 Mask, Be16 Value) WholeByte(Be16 mask, Be16 value)
        => mask.Host == 0 ? (default, default) : (Be16.FromHost(0xffff), Be16.FromHost((byte)value.Host));

    private static void CheckConntrack(ref Match match, bool ip, bool ipv6, TextPiece where)
    {
        ref FlowKey mask = ref match.Mask.Key;
        ref FlowKey value = ref match.Value.Key;
        if (value.CtNwProto == 0)
        {
            mask.CtNwProto = 0;
            mask.CtTpSrc = mask.CtTpDst = default;
        }

        bool v4 = (mask.CtNwSrc.Raw | mask.CtNwDst.Raw) != 0;
        bool v6 = !mask.CtIpv6Src.IsZero || !mask.CtIpv6Dst.IsZero;
        bool any = v4 || v6 || mask.CtNwProto != 0;
        if (!any) return;
        bool valid = (value.CtState & ValidStates) != 0
            || ((value.CtState & CtState.Trk) != 0 && (mask.CtState & CtState.Inv) != 0 && (value.CtState & CtState.Inv) == 0);
        if (!valid) where.Fail("ct_nw_* and ct_tp_* require ct_state with +new, +est, +rel, +rpl, +snat, +dnat or +trk-inv (OFPBMC_BAD_PREREQ)");
        if ((v4 && !ip) || (v6 && !ipv6) || (!ip && !ipv6)) where.Fail("ct_nw_*, ct_ipv6_* and ct_tp_* require a match on ip or ipv6 (OFPBMC_BAD_PREREQ)");
    }
}
