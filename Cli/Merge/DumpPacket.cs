using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Text;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>A packet on its way through a dump: what is known of its header now.</summary>
internal struct DumpPacket
{
    public FlowKey Key;

    /// <summary>Bits of <see cref="Key"/> that are known.</summary>
    public FlowKey Known;

    /// <summary>Length now minus original length.</summary>
    public int LengthDeltaBytes;

    /// <summary>Addresses and ports now.</summary>
    public readonly DpTuple Tuple => Key.DlType.Host == EthType.Ipv6
        ? new(true, Key.Ipv6Src.ToUInt128(), Key.Ipv6Dst.ToUInt128(), Key.TpSrc.Host, Key.TpDst.Host)
        : new(false, Key.NwSrc.Host, Key.NwDst.Host, Key.TpSrc.Host, Key.TpDst.Host);

    /// <summary>Nothing that is known contradicts the flow.</summary>
    public bool Fits(DpFlow flow)
    {
        FlowKey consulted = default;
        FlowKey.And(ref flow.Mask, ref Known, ref consulted);
        FlowKey now = default;
        FlowKey.And(ref Key, ref consulted, ref now);
        FlowKey asked = default;
        FlowKey.And(ref flow.Value, ref consulted, ref asked);
        return FlowKey.Same(ref now, ref asked);
    }

    public void SetTracking(in CtVerdict v)
    {
        Key.CtState = v.State;
        Key.CtZone = Be16.FromHost(v.Zone);
        Key.CtMark = Be32.FromHost(v.Mark);
        Key.CtLabel = v.Label;
    }

    public void ClearTracking() => SetTracking(default);

    /// <summary>The connection's translation of a packet in this direction.</summary>
    public void Translate(DpTuple after, ref CtVerdict v)
    {
        DpTuple before = Tuple;
        v.Translated = before != after;
        if (before.Src != after.Src || before.SrcPort != after.SrcPort) v.State |= CtState.SNat;
        if (before.Dst != after.Dst || before.DstPort != after.DstPort) v.State |= CtState.DNat;
        int shift = after.IsIpv6 ? 0 : 96;
        (v.SrcAfter, v.DstAfter) = (Ipv6Address.FromUInt128(after.Src << shift), Ipv6Address.FromUInt128(after.Dst << shift));
        (v.TpSrcAfter, v.TpDstAfter) = (Be16.FromHost(after.SrcPort), Be16.FromHost(after.DstPort));
        if (after.IsIpv6) (Key.Ipv6Src, Key.Ipv6Dst) = (v.SrcAfter, v.DstAfter);
        else (Key.NwSrc, Key.NwDst) = (Be32.FromHost((uint)after.Src), Be32.FromHost((uint)after.Dst));
        (Key.TpSrc, Key.TpDst) = (v.TpSrcAfter, v.TpDstAfter);
    }

    /// <summary>Header rewrites and tags; false for anything else.</summary>
    public bool TryRewrite(in DpAction a)
    {
        FlowKey value = default, mask = default;
        switch (a.Op)
        {
            case DpOp.SetEth:
                (value.DlSrc, mask.DlSrc, value.DlDst, mask.DlDst) = (a.Eth.Src, a.Eth.SrcMask, a.Eth.Dst, a.Eth.DstMask);
                break;
            case DpOp.SetIpv4:
                (value.NwSrc, mask.NwSrc, value.NwDst, mask.NwDst) = (a.Ipv4.Src, a.Ipv4.SrcMask, a.Ipv4.Dst, a.Ipv4.DstMask);
                (value.NwTos, mask.NwTos, value.NwTtl, mask.NwTtl) = (a.Ipv4.Tos, a.Ipv4.TosMask, a.Ipv4.Ttl, a.Ipv4.TtlMask);
                break;
            case DpOp.SetIpv6Addr:
                (value.Ipv6Src, mask.Ipv6Src, value.Ipv6Dst, mask.Ipv6Dst) = (a.Ipv6.Src, a.Ipv6.SrcMask, a.Ipv6.Dst, a.Ipv6.DstMask);
                break;
            case DpOp.SetIpv6Misc:
                (value.NwTos, mask.NwTos, value.NwTtl, mask.NwTtl) = (a.Ipv6Misc.TrafficClass, a.Ipv6Misc.TrafficClassMask, a.Ipv6Misc.HopLimit, a.Ipv6Misc.HopLimitMask);
                (value.Ipv6Label, mask.Ipv6Label) = (a.Ipv6Misc.Label, a.Ipv6Misc.LabelMask);
                break;
            case DpOp.SetL4:
                (value.TpSrc, mask.TpSrc, value.TpDst, mask.TpDst) = (a.L4.Src, a.L4.SrcMask, a.L4.Dst, a.L4.DstMask);
                break;
            case DpOp.SetVlan:
                (value.Vlan0Tci, mask.Vlan0Tci) = (a.Vlan.Tci, a.Vlan.TciMask);
                break;
            case DpOp.SetPktMark:
                (value.PktMark, mask.PktMark) = (Be32.FromHost(a.PktMark.Mark), Be32.FromHost(a.PktMark.MarkMask));
                break;
            case DpOp.PushVlan:
                (Key.Vlan1Tci, Known.Vlan1Tci) = (Key.Vlan0Tci, Known.Vlan0Tci);
                (Key.Vlan0Tci, Known.Vlan0Tci) = (Be16.FromHost(a.VlanTci), new Be16(0xffff));
                LengthDeltaBytes += 4;
                return true;
            case DpOp.PopVlan:
                (Key.Vlan0Tci, Known.Vlan0Tci) = (Key.Vlan1Tci, Known.Vlan1Tci);
                (Key.Vlan1Tci, Known.Vlan1Tci) = (default, new Be16(0xffff));
                LengthDeltaBytes -= 4;
                return true;
            default:
                return false;
        }

        Span<byte> key = Key.Bytes, known = Known.Bytes;
        ReadOnlySpan<byte> v = value.Bytes, m = mask.Bytes;
        for (int i = 0; i < FlowKey.SizeBytes; i++)
        {
            key[i] = (byte)((key[i] & ~m[i]) | (v[i] & m[i]));
            known[i] |= m[i];
        }

        return true;
    }
}
