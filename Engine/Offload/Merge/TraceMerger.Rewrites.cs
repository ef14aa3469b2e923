using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Header rewrites on the symbolic header. A rewrite of a header that is not there leaves a packet alone, so its presence is pinned first.</summary>
public sealed unsafe partial class TraceMerger
{
    private bool Rewrite(ref SymbolicHeader h, ref DpAction a)
    {
        FlowKey value = default;
        FlowKey mask = default;
        switch (a.Op)
        {
            case DpOp.SetEth:
                (value.DlDst, mask.DlDst) = (a.Eth.Dst, a.Eth.DstMask);
                (value.DlSrc, mask.DlSrc) = (a.Eth.Src, a.Eth.SrcMask);
                break;
            case DpOp.SetIpv4:
                if (!RequireNetwork(ref h, EthType.Ip) || !RequireWhole(ref h, in a.Ipv4)) return false;
                (value.NwSrc, mask.NwSrc) = (a.Ipv4.Src, a.Ipv4.SrcMask);
                (value.NwDst, mask.NwDst) = (a.Ipv4.Dst, a.Ipv4.DstMask);
                (value.NwTos, mask.NwTos) = (a.Ipv4.Tos, a.Ipv4.TosMask);
                (value.NwTtl, mask.NwTtl) = (a.Ipv4.Ttl, a.Ipv4.TtlMask);
                break;
            case DpOp.SetIpv6Addr:
                if (!RequireNetwork(ref h, EthType.Ipv6)) return false;
                (value.Ipv6Src, mask.Ipv6Src) = (a.Ipv6.Src, a.Ipv6.SrcMask);
                (value.Ipv6Dst, mask.Ipv6Dst) = (a.Ipv6.Dst, a.Ipv6.DstMask);
                break;
            case DpOp.SetIpv6Misc:
                if (!RequireNetwork(ref h, EthType.Ipv6)) return false;
                (value.Ipv6Label, mask.Ipv6Label) = (a.Ipv6Misc.Label, a.Ipv6Misc.LabelMask);
                (value.NwTos, mask.NwTos) = (a.Ipv6Misc.TrafficClass, a.Ipv6Misc.TrafficClassMask);
                (value.NwTtl, mask.NwTtl) = (a.Ipv6Misc.HopLimit, a.Ipv6Misc.HopLimitMask);
                break;
            case DpOp.SetL4:
                if (!RequireTransport(ref h, a.L4.Proto)) return false;
                (value.TpSrc, mask.TpSrc) = (a.L4.Src, a.L4.SrcMask);
                (value.TpDst, mask.TpDst) = (a.L4.Dst, a.L4.DstMask);
                h.L4Rewritten = true;
                break;
            case DpOp.SetArp:
                if (!RequireNetwork(ref h, EthType.Arp)) return false;
                (value.NwProto, mask.NwProto) = ((byte)a.Arp.Op.Host, (byte)a.Arp.OpMask.Host);
                (value.NwSrc, mask.NwSrc) = (a.Arp.Spa, a.Arp.SpaMask);
                (value.NwDst, mask.NwDst) = (a.Arp.Tpa, a.Arp.TpaMask);
                (value.ArpSha, mask.ArpSha) = (a.Arp.Sha, a.Arp.ShaMask);
                (value.ArpTha, mask.ArpTha) = (a.Arp.Tha, a.Arp.ThaMask);
                break;
            case DpOp.SetPktMark:
                (value.PktMark, mask.PktMark) = (Be32.FromHost(a.PktMark.Mark), Be32.FromHost(a.PktMark.MarkMask));
                break;
            case DpOp.SetVlan: return SetVlan(ref h, a.Vlan.Tci.Host, a.Vlan.TciMask.Host);
            case DpOp.PushVlan: return PushVlan(ref h, a.EthType, a.VlanTci);
            case DpOp.PopVlan: return PopVlan(ref h);
            case DpOp.SetMpls: return SetMpls(ref h, a.Mpls.Lse.Host, a.Mpls.LseMask.Host);
            case DpOp.PushMpls: return PushMpls(ref h, a.EthType, a.MplsLse);
            case DpOp.PopMpls: return PopMpls(ref h, a.EthType);
            case DpOp.Truncate: return Refuse(OffloadReason.LengthDependent, "trunc");
            case DpOp.CheckPktLen: return Refuse(OffloadReason.LengthDependent, "check_pkt_len");
            default: return Refuse(OffloadReason.UnsupportedAction, NameOf(a.Op));
        }

        h.Write(ref value, ref mask);
        return true;
    }

    /// <summary>What reports call an action that no merged rule has.</summary>
    internal static string NameOf(DpOp op) => op switch
    {
        DpOp.Meter => "meter",
        DpOp.Sample => "sample",
        DpOp.Userspace => "userspace",
        DpOp.TnlPop => "tnl_pop",
        DpOp.TnlPush => "tnl_push",
        DpOp.SetTunnel => "set(tunnel)",
        DpOp.SetPriority => "set(skb_priority)",
        DpOp.SetNd => "set(nd)",
        DpOp.AddMpls => "add_mpls",
        DpOp.PushEth => "push_eth",
        DpOp.PopEth => "pop_eth",
        _ => op.ToString(),
    };

    /// <summary>Pins that there is a well-formed network header of this type: a malformed one reads as protocol 0.</summary>
    private bool RequireNetwork(ref SymbolicHeader h, ushort ethType)
    {
        FlowKey pin = default;
        pin.DlType = new Be16(0xffff);
        pin.NwProto = 0xff;
        if (!PullBack(ref h, ref pin)) return false;
        return (h.Current.DlType.Host == ethType && h.Current.NwProto != 0) || Refuse(OffloadReason.Malformed, "rewrite without a network header");
    }

    /// <summary>A new address changes two bytes of a later fragment's payload, which a device does not do.</summary>
    private bool RequireWhole(ref SymbolicHeader h, ref readonly DpSetIpv4 set)
    {
        if ((set.SrcMask.Raw | set.DstMask.Raw) == 0 || h.Current.NwProto is not (IpProto.Tcp or IpProto.Udp)) return true;
        FlowKey pin = default;
        pin.NwFrag = (NwFrag)0xff;
        if (!PullBack(ref h, ref pin)) return false;
        return (h.Current.NwFrag & NwFrag.Later) == 0 || Refuse(OffloadReason.Fragment, "ip_frag");
    }

    private bool RequireTransport(ref SymbolicHeader h, byte proto)
    {
        FlowKey pin = default;
        pin.DlType = new Be16(0xffff);
        pin.NwProto = 0xff;
        pin.NwFrag = (NwFrag)0xff;
        if (!PullBack(ref h, ref pin)) return false;
        bool readable = h.Current.NwProto == proto && (h.Current.NwFrag & NwFrag.Later) == 0;
        return readable || Refuse(OffloadReason.Malformed, "rewrite without a transport header");
    }

    private bool PinTag(ref SymbolicHeader h, bool inner)
    {
        FlowKey pin = default;
        if (inner) pin.Vlan1Tci = Be16.FromHost(KeyMasks.VlanPresent);
        else pin.Vlan0Tci = Be16.FromHost(KeyMasks.VlanPresent);
        return PullBack(ref h, ref pin);
    }

    private bool SetVlan(ref SymbolicHeader h, ushort tci, ushort mask)
    {
        if (!PinTag(ref h, inner: false)) return false;
        ushort now = h.Current.Vlan0Tci.Host;
        if ((now & KeyMasks.VlanPresent) == 0) return Refuse(OffloadReason.BrokenTrace, "set(vlan) without a tag");
        mask &= unchecked((ushort)~KeyMasks.VlanPresent);
        h.Vlan.Set(tci, mask);
        h.Current.Vlan0Tci = Be16.FromHost((ushort)((now & ~mask) | (tci & mask)));
        return true;
    }

    private bool PushVlan(ref SymbolicHeader h, ushort tpid, ushort tci)
    {
        if (!PinTag(ref h, inner: false)) return false;
        if ((h.Current.Vlan0Tci.Host & KeyMasks.VlanPresent) != 0)
        {
            if (!PinTag(ref h, inner: true)) return false;
            if ((h.Current.Vlan1Tci.Host & KeyMasks.VlanPresent) != 0) return Refuse(OffloadReason.FunctionBits, "third tag");
        }

        tci |= KeyMasks.VlanPresent;
        if (!h.Vlan.Push(tpid, tci)) return Refuse(OffloadReason.UnsupportedAction, "push_vlan");
        h.Current.Vlan1Tci = h.Current.Vlan0Tci;
        h.Current.Vlan1Tpid = h.Current.Vlan0Tpid;
        h.Current.Vlan0Tci = Be16.FromHost(tci);
        h.Current.Vlan0Tpid = Be16.FromHost(tpid);
        h.LengthDeltaBytes += 4;
        return true;
    }

    private bool PopVlan(ref SymbolicHeader h)
    {
        // A tag too deep for the key shows as dl_type: popping would bring it into the key, and everything behind it.
        FlowKey pin = default;
        pin.DlType = new Be16(0xffff);
        if (!PinTag(ref h, inner: false) || !PullBack(ref h, ref pin)) return false;
        if ((h.Current.Vlan0Tci.Host & KeyMasks.VlanPresent) == 0) return Refuse(OffloadReason.BrokenTrace, "pop_vlan without a tag");
        if (h.Current.DlType.Host is EthType.Vlan or EthType.QinQ) return Refuse(OffloadReason.FunctionBits, "third tag");
        h.Vlan.Pop();
        h.Current.Vlan0Tci = h.Current.Vlan1Tci;
        h.Current.Vlan0Tpid = h.Current.Vlan1Tpid;
        h.Current.Vlan1Tci = default;
        h.Current.Vlan1Tpid = default;
        h.LengthDeltaBytes -= 4;
        return true;
    }
}
