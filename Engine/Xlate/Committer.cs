using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.TranslatorLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>Set actions that bring the datapath's packet up to the flow (OVS <c>commit_odp_actions</c>).</content>
public sealed unsafe partial class Translator
{
    /// <summary>Emits what must change before the packet is used.</summary>
    private void Commit()
    {
        if (!_dirty) return;
        _dirty = false;
        CommitEth();
        bool wasMpls = Tci(_base, L.DlType) is EthType.Mpls or EthType.MplsMcast;
        if (wasMpls && !IsMpls) CommitMpls();
        CommitNetwork();
        if (!wasMpls || IsMpls) CommitMpls();
        CommitVlan();
        ulong mark = Settle(L.PktMark, L.Window4);
        if (mark == 0) return;
        ref DpAction a = ref _out.Add(DpOp.SetPktMark);
        a.PktMark.MarkMask = new Be32((uint)mark).Host;
        a.PktMark.Mark = Read32(_flow, L.PktMark) & a.PktMark.MarkMask;
    }

    /// <summary>
    /// The bits of a field (an 8-byte window in memory order) that a set action must write so that the packet agrees with the flow, 0 = none;
    /// the base then agrees. If any bit must be written, all constant bits of the field are.
    /// </summary>
    private ulong Settle(int offset, ulong field) => Need(offset, field) == 0 ? 0 : Take(offset, field);

    /// <summary>The same for the two halves of an IPv6 address. A translated one has to be written whole.</summary>
    private (ulong High, ulong Low) SettleWide(int offset)
    {
        ulong high = Need(offset, ulong.MaxValue), low = Need(offset + 8, ulong.MaxValue);
        bool both = _isTranslated && (high | low) != 0;
        return (high != 0 || both ? Take(offset, ulong.MaxValue) : 0, low != 0 || both ? Take(offset + 8, ulong.MaxValue) : 0);
    }

    /// <summary>The bits of a field that differ between packet and flow, or may; 0 = none.</summary>
    private ulong Need(int offset, ulong field)
    {
        ulong live = Unsafe.ReadUnaligned<ulong>(_live + offset);
        ulong baseLive = Unsafe.ReadUnaligned<ulong>(_baseLive + offset);
        if ((live & baseLive & field) == field) return 0;
        ulong flow = Unsafe.ReadUnaligned<ulong>(_flow + offset);
        ulong have = Unsafe.ReadUnaligned<ulong>(_base + offset);
        ulong original = Unsafe.ReadUnaligned<ulong>(_orig + offset);

        // Restoring an original bit that was overwritten needs its value.
        ulong restore = live & ~baseLive & field;
        ulong asked = _isTranslated && IsAddressOrPort(offset) ? restore | (~live & baseLive & field) : restore;
        ulong consulted = Unsafe.ReadUnaligned<ulong>(_wc + offset) | asked;
        if (asked != 0) Unsafe.WriteUnaligned(_wc + offset, consulted);
        ulong written = ~live & baseLive & (~consulted | (original ^ flow));
        ulong changed = ~live & ~baseLive & (flow ^ have);
        return ((written | changed) & field) | (restore & (original ^ have));
    }

    /// <summary>Makes the base agree with the flow in a field; the bits that a set action has to write.</summary>
    private ulong Take(int offset, ulong field)
    {
        ulong live = Unsafe.ReadUnaligned<ulong>(_live + offset);
        ulong baseLive = Unsafe.ReadUnaligned<ulong>(_baseLive + offset);
        ulong all = (~live & field) | (live & ~baseLive & field);
        ulong have = Unsafe.ReadUnaligned<ulong>(_base + offset);
        Unsafe.WriteUnaligned(_base + offset, (have & ~all) | (Unsafe.ReadUnaligned<ulong>(_flow + offset) & all));
        Unsafe.WriteUnaligned(_baseLive + offset, (baseLive & ~all) | (live & all));
        return all;
    }

    /// <summary>
    /// Behind a ct(nat) the packet may have another address or port than the flow shows. To write the value that the flow had already writes nothing
    /// in Open vSwitch, and the translation stays; so it matters whether it had.
    /// </summary>
    private static bool IsAddressOrPort(int offset) => offset is L.NwSrc or L.NwDst or L.TpSrc or L.TpDst or (>= L.Ipv6Src and < L.Ipv6Src + 32);

    private void CommitEth()
    {
        ulong dst = Settle(L.DlDst, L.Window6);
        ulong src = Settle(L.DlSrc, L.Window6);
        if ((dst | src) == 0) return;
        ref DpSetEth set = ref _out.Add(DpOp.SetEth).Eth;
        (set.Dst, set.DstMask) = (Mac(L.DlDst, dst), Mac(dst));
        (set.Src, set.SrcMask) = (Mac(L.DlSrc, src), Mac(src));
    }

    private void CommitNetwork()
    {
        ushort type = Tci(_base, L.DlType);
        if (type is not (EthType.Ip or EthType.Ipv6 or EthType.Arp or EthType.Rarp) || !NetworkIsDirty()) return;

        byte read = (byte)(_wc[L.NwProto] | _excluded[L.NwProto]);

        // Without a protocol there is no header that parsed: OVS leaves such packets alone.
        if (ReadsWhatItWrites) Consult(L.NwProto, 0xff);
        if (!ConsultAnyBit(L.NwProto, 0xff)) return;
        switch (type)
        {
            case EthType.Ip:
                CommitIpv4();
                CommitL4(IpProto.Icmp);
                break;
            case EthType.Ipv6:
                CommitIpv6();
                CommitL4(IpProto.Icmpv6);
                CommitNd();
                break;
            case EthType.Arp:
                CommitArp(read);
                break;
        }
    }

    /// <summary>Some bit of lanes 1, 2, 4 or the IPv6 label is not the packet's own, in the flow or in the base.</summary>
    private bool NetworkIsDirty()
    {
        ulong own = ulong.MaxValue;
        for (int i = 4; i < 20; i++)
        {
            if (i is 12 or 13 or 14 or 15) continue;
            own &= ((ulong*)_live)[i] & ((ulong*)_baseLive)[i];
        }

        return own != ulong.MaxValue || (*(uint*)(_live + L.Ipv6Label) & *(uint*)(_baseLive + L.Ipv6Label)) != uint.MaxValue;
    }

    private void CommitIpv4()
    {
        ulong src = Settle(L.NwSrc, L.Window4);
        ulong dst = Settle(L.NwDst, L.Window4);
        ulong tos = Settle(L.NwTos, 0xff);
        ulong ttl = Settle(L.NwTtl, 0xff);
        if ((src | dst | tos | ttl) == 0) return;
        ref DpSetIpv4 set = ref _out.Add(DpOp.SetIpv4).Ipv4;
        (set.Src, set.SrcMask) = (Word(L.NwSrc, src), new Be32((uint)src));
        (set.Dst, set.DstMask) = (Word(L.NwDst, dst), new Be32((uint)dst));
        (set.Tos, set.TosMask) = ((byte)(_flow[L.NwTos] & (byte)tos), (byte)tos);
        (set.Ttl, set.TtlMask) = ((byte)(_flow[L.NwTtl] & (byte)ttl), (byte)ttl);
    }

    private void CommitIpv6()
    {
        (ulong src0, ulong src1) = SettleWide(L.Ipv6Src);
        (ulong dst0, ulong dst1) = SettleWide(L.Ipv6Dst);
        if ((src0 | src1 | dst0 | dst1) != 0)
        {
            ref DpSetIpv6Addr set = ref _out.Add(DpOp.SetIpv6Addr).Ipv6;
            (set.Src, set.SrcMask) = (Wide(L.Ipv6Src, src0, src1), Wide(src0, src1));
            (set.Dst, set.DstMask) = (Wide(L.Ipv6Dst, dst0, dst1), Wide(dst0, dst1));
        }

        ulong label = Settle(L.Ipv6Label, new Be32(0xfffff).Host);
        ulong tclass = Settle(L.NwTos, 0xff);
        ulong hops = Settle(L.NwTtl, 0xff);
        if ((label | tclass | hops) == 0) return;
        ref DpSetIpv6Misc misc = ref _out.Add(DpOp.SetIpv6Misc).Ipv6Misc;
        (misc.Label, misc.LabelMask) = (Word(L.Ipv6Label, label), new Be32((uint)label));
        (misc.TrafficClass, misc.TrafficClassMask) = ((byte)(_flow[L.NwTos] & (byte)tclass), (byte)tclass);
        (misc.HopLimit, misc.HopLimitMask) = ((byte)(_flow[L.NwTtl] & (byte)hops), (byte)hops);
    }

    private void CommitL4(byte icmp)
    {
        if (((*(uint*)(_live + L.TpSrc)) & *(uint*)(_baseLive + L.TpSrc)) == uint.MaxValue) return;
        Consult(L.NwProto, 0xff);
        byte proto = _flow[L.NwProto];
        if (proto is not (IpProto.Tcp or IpProto.Udp or IpProto.Sctp) && proto != icmp) return;
        ulong src = Settle(L.TpSrc, L.Window2);
        ulong dst = Settle(L.TpDst, L.Window2);
        if ((src | dst) == 0) return;
        ref DpSetL4 set = ref _out.Add(DpOp.SetL4).L4;
        (set.Src, set.SrcMask) = (Half(L.TpSrc, src), new Be16((ushort)src));
        (set.Dst, set.DstMask) = (Half(L.TpDst, dst), new Be16((ushort)dst));
        set.Proto = proto;
    }

    private void CommitNd()
    {
        ulong target0 = Settle(L.NdTarget, ulong.MaxValue);
        ulong target1 = Settle(L.NdTarget + 8, ulong.MaxValue);
        ulong sll = Settle(L.ArpSha, L.Window6);
        ulong tll = Settle(L.ArpTha, L.Window6);
        if ((target0 | target1 | sll | tll) == 0) return;
        ref DpSetNd set = ref _out.Add(DpOp.SetNd).Nd;
        (set.Target, set.TargetMask) = (Wide(L.NdTarget, target0, target1), Wide(target0, target1));
        (set.Sll, set.SllMask) = (Mac(L.ArpSha, sll), Mac(sll));
        (set.Tll, set.TllMask) = (Mac(L.ArpTha, tll), Mac(tll));
    }

    /// <param name="read">The bits of the operation that lookups have read so far.</param>
    private void CommitArp(byte read)
    {
        // All or nothing: the frame may have addresses that the parser did not read.
        ulong need = Need(L.NwSrc, L.Window4) | Need(L.NwDst, L.Window4) | Need(L.ArpSha, L.Window6) | Need(L.ArpTha, L.Window6) | Need(L.NwProto, 0xff);
        if (need == 0) return;
        ulong spa = Take(L.NwSrc, L.Window4);
        ulong tpa = Take(L.NwDst, L.Window4);
        ulong sha = Take(L.ArpSha, L.Window6);
        ulong tha = Take(L.ArpTha, L.Window6);
        ulong op = Take(L.NwProto, 0xff);
        ref DpSetArp set = ref _out.Add(DpOp.SetArp).Arp;
        (set.Spa, set.SpaMask) = (Word(L.NwSrc, spa), new Be32((uint)spa));
        (set.Tpa, set.TpaMask) = (Word(L.NwDst, tpa), new Be32((uint)tpa));
        (set.Sha, set.ShaMask) = (Mac(L.ArpSha, sha), Mac(sha));
        (set.Tha, set.ThaMask) = (Mac(L.ArpTha, tha), Mac(tha));

        // The flow has eight bits of the operation and reads more as 0: who writes them writes the frame's sixteen. Open vSwitch leaves the high byte
        // if bits are copied to an operation that nothing else has looked at.
        if (op != 0 && !ReadsWhatItWrites) Consult(L.NwProto, 0xff);
        bool isKnown = !ReadsWhatItWrites || (byte)(op | read) == byte.MaxValue;
        ushort opMask = op != 0 && isKnown ? ushort.MaxValue : (ushort)op;
        (set.Op, set.OpMask) = (Be16.FromHost((ushort)(_flow[L.NwProto] & opMask)), Be16.FromHost(opMask));
    }

    private Be16 Half(int offset, ulong mask) => new((ushort)(*(ushort*)(_flow + offset) & mask));

    private Be32 Word(int offset, ulong mask) => new((uint)(*(uint*)(_flow + offset) & mask));

    private EthAddress Mac(int offset, ulong mask) => Mac(Unsafe.ReadUnaligned<ulong>(_flow + offset) & mask);

    private static EthAddress Mac(ulong window) => Unsafe.ReadUnaligned<EthAddress>(ref Unsafe.As<ulong, byte>(ref window));

    private Ipv6Address Wide(int offset, ulong mask0, ulong mask1)
        => Wide(Unsafe.ReadUnaligned<ulong>(_flow + offset) & mask0, Unsafe.ReadUnaligned<ulong>(_flow + offset + 8) & mask1);

    private static Ipv6Address Wide(ulong first, ulong second)
    {
        UInt128 both = new(second, first);
        return Unsafe.As<UInt128, Ipv6Address>(ref both);
    }
}
