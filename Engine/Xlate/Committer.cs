using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Set actions that bring the datapath's packet up to the flow (OVS <c>commit_odp_actions</c>).</summary>
internal sealed unsafe class Committer
{
    private readonly XlateContext _context;
    private readonly XlateFlow _flow;
    private readonly FlowDifference _difference;
    private readonly LabelCommitter _labels;
    private readonly LayerCommitter _layers;
    private readonly TagCommitter _tags;

    public Committer(XlateContext context, FlowDifference difference, TagModel tags)
    {
        (_context, _flow, _difference) = (context, context.Flow, difference);
        _labels = new LabelCommitter(context, difference);
        _layers = new LayerCommitter(context, _labels);
        _tags = new TagCommitter(context, tags);
    }

    /// <summary>Emits what must change before the packet is used.</summary>
    public void Commit()
    {
        if (!_flow.IsDirty) return;
        _flow.IsDirty = false;
        _difference.WritesWhatIsRead = _context.ReadsWhatItWrites;
        if (!_flow.Layers.AreSettled) _layers.Commit();
        if (_flow.Layers.ArePlain) CommitEth();
        bool wasMpls = XlateFlow.Read16(_flow.Base, L.DlType) is EthType.Mpls or EthType.MplsMcast;
        if (wasMpls && !_flow.IsMpls) _labels.Commit();
        CommitNetwork();
        if (!wasMpls || _flow.IsMpls) _labels.Commit();
        _tags.Commit();
        CommitPriority();
        ulong mark = _difference.Settle(L.PktMark, L.Window4);
        if (mark == 0) return;
        ref DpAction a = ref _context.Out.Add(DpOp.SetPktMark);
        a.PktMark.MarkMask = new Be32((uint)mark).Host;
        a.PktMark.Mark = XlateFlow.Read32(_flow.Current, L.PktMark) & a.PktMark.MarkMask;
    }

    /// <summary>As in Open vSwitch, a queue that the packet has already is not told.</summary>
    private void CommitPriority()
    {
        if (_flow.Priority == XlateFlow.Read16(_flow.Base, L.SkbPriority)) return;
        _flow.ConsultOriginal(L.SkbPriority, L.Window2);
        _difference.Take(L.SkbPriority, L.Window2);
        _context.Out.Add(DpOp.SetPriority).Port = _flow.Priority;
    }

    private void CommitEth()
    {
        ulong dst = _difference.Settle(L.DlDst, L.Window6);
        ulong src = _difference.Settle(L.DlSrc, L.Window6);
        if ((dst | src) == 0) return;
        ref DpSetEth set = ref _context.Out.Add(DpOp.SetEth).Eth;
        (set.Dst, set.DstMask) = (_flow.Mac(L.DlDst, dst), FlowWindows.Mac(dst));
        (set.Src, set.SrcMask) = (_flow.Mac(L.DlSrc, src), FlowWindows.Mac(src));
    }

    private void CommitNetwork()
    {
        ushort type = XlateFlow.Read16(_flow.Base, L.DlType);
        if (type is not (EthType.Ip or EthType.Ipv6 or EthType.Arp or EthType.Rarp) || !NetworkIsDirty()) return;

        byte read = (byte)(_flow.Consulted[L.NwProto] | _flow.Excluded[L.NwProto]);

        if (!HasProtocol(type)) return;
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

    /// <summary>
    /// Without a protocol no header was parsed, and OVS leaves the packet alone. The megaflow has to depend on the protocol then; not so in an IP packet
    /// where what is written has been read before (<see cref="XlateContext.ReadsWhatItWrites"/>).
    /// </summary>
    private bool HasProtocol(ushort type)
    {
        if (!_context.ReadsWhatItWrites) return _flow.ConsultAnyBit(L.NwProto, 0xff);
        if (type is EthType.Arp or EthType.Rarp) _flow.Consult(L.NwProto, 0xff);
        return _flow.Current[L.NwProto] != 0;
    }

    /// <summary>Some bit of the headers behind Ethernet is not the packet's own, in the flow or in the base.</summary>
    private bool NetworkIsDirty()
    {
        var own = Vector256<byte>.AllBitsSet;
        foreach (byte lane in Lanes.Headers) own &= Vector256.Load(_flow.Live + Lanes.At(lane)) & Vector256.Load(_flow.BaseLive + Lanes.At(lane));
        return own != Vector256<byte>.AllBitsSet || (*(uint*)(_flow.Live + L.Ipv6Label) & *(uint*)(_flow.BaseLive + L.Ipv6Label)) != uint.MaxValue;
    }

    private void CommitIpv4()
    {
        ulong src = _difference.Settle(L.NwSrc, L.Window4);
        ulong dst = _difference.Settle(L.NwDst, L.Window4);
        ulong tos = _difference.Settle(L.NwTos, 0xff);
        ulong ttl = _difference.Settle(L.NwTtl, 0xff);
        if ((src | dst | tos | ttl) == 0) return;
        ref DpSetIpv4 set = ref _context.Out.Add(DpOp.SetIpv4).Ipv4;
        (set.Src, set.SrcMask) = (_flow.Word(L.NwSrc, src), new Be32((uint)src));
        (set.Dst, set.DstMask) = (_flow.Word(L.NwDst, dst), new Be32((uint)dst));
        (set.Tos, set.TosMask) = ((byte)(_flow.Current[L.NwTos] & (byte)tos), (byte)tos);
        (set.Ttl, set.TtlMask) = ((byte)(_flow.Current[L.NwTtl] & (byte)ttl), (byte)ttl);
    }

    private void CommitIpv6()
    {
        (ulong src0, ulong src1) = _difference.SettleWide(L.Ipv6Src);
        (ulong dst0, ulong dst1) = _difference.SettleWide(L.Ipv6Dst);
        if ((src0 | src1 | dst0 | dst1) != 0)
        {
            ref DpSetIpv6Addr set = ref _context.Out.Add(DpOp.SetIpv6Addr).Ipv6;
            (set.Src, set.SrcMask) = (_flow.Wide(L.Ipv6Src, src0, src1), FlowWindows.Wide(src0, src1));
            (set.Dst, set.DstMask) = (_flow.Wide(L.Ipv6Dst, dst0, dst1), FlowWindows.Wide(dst0, dst1));
        }

        ulong label = _difference.Settle(L.Ipv6Label, new Be32(0xfffff).Host);
        ulong tclass = _difference.Settle(L.NwTos, 0xff);
        ulong hops = _difference.Settle(L.NwTtl, 0xff);
        if ((label | tclass | hops) == 0) return;
        ref DpSetIpv6Misc misc = ref _context.Out.Add(DpOp.SetIpv6Misc).Ipv6Misc;
        (misc.Label, misc.LabelMask) = (_flow.Word(L.Ipv6Label, label), new Be32((uint)label));
        (misc.TrafficClass, misc.TrafficClassMask) = ((byte)(_flow.Current[L.NwTos] & (byte)tclass), (byte)tclass);
        (misc.HopLimit, misc.HopLimitMask) = ((byte)(_flow.Current[L.NwTtl] & (byte)hops), (byte)hops);
    }

    private void CommitL4(byte icmp)
    {
        if (((*(uint*)(_flow.Live + L.TpSrc)) & *(uint*)(_flow.BaseLive + L.TpSrc)) == uint.MaxValue) return;
        _flow.Consult(L.NwProto, 0xff);
        byte proto = _flow.Current[L.NwProto];
        if (proto is not (IpProto.Tcp or IpProto.Udp or IpProto.Sctp) && proto != icmp) return;
        ulong src = _difference.Settle(L.TpSrc, L.Window2);
        ulong dst = _difference.Settle(L.TpDst, L.Window2);
        if ((src | dst) == 0) return;
        if (proto == icmp && _context.ReadsWhatItWrites)
        {
            // Type and code are one thing to write, and cannot be masked (OVS commit_set_icmp_action).
            const ulong lowByte = 0xff00;
            _flow.Consult(L.TpSrc, lowByte);
            _flow.Consult(L.TpDst, lowByte);
            src = dst = lowByte;
        }

        ref DpSetL4 set = ref _context.Out.Add(DpOp.SetL4).L4;
        (set.Src, set.SrcMask) = (_flow.Half(L.TpSrc, src), new Be16((ushort)src));
        (set.Dst, set.DstMask) = (_flow.Half(L.TpDst, dst), new Be16((ushort)dst));
        set.Proto = proto;
    }

    private void CommitNd()
    {
        // The target is one field: all of it is written, or nothing.
        bool isOther = (_difference.Need(L.NdTarget, ulong.MaxValue) | _difference.Need(L.NdTarget + 8, ulong.MaxValue)) != 0;
        ulong target0 = isOther ? _difference.Take(L.NdTarget, ulong.MaxValue) : 0;
        ulong target1 = isOther ? _difference.Take(L.NdTarget + 8, ulong.MaxValue) : 0;
        ulong sll = _difference.Settle(L.ArpSha, L.Window6);
        ulong tll = _difference.Settle(L.ArpTha, L.Window6);
        if ((target0 | target1 | sll | tll) == 0) return;
        ref DpSetNd set = ref _context.Out.Add(DpOp.SetNd).Nd;
        (set.Target, set.TargetMask) = (_flow.Wide(L.NdTarget, target0, target1), FlowWindows.Wide(target0, target1));
        (set.Sll, set.SllMask) = (_flow.Mac(L.ArpSha, sll), FlowWindows.Mac(sll));
        (set.Tll, set.TllMask) = (_flow.Mac(L.ArpTha, tll), FlowWindows.Mac(tll));
    }

    /// <param name="read">The bits of the operation that lookups have read so far.</param>
    private void CommitArp(byte read)
    {
        // All or nothing: the frame may have addresses that the parser did not read.
        ulong need = _difference.Need(L.NwSrc, L.Window4) | _difference.Need(L.NwDst, L.Window4) | _difference.Need(L.ArpSha, L.Window6)
            | _difference.Need(L.ArpTha, L.Window6) | _difference.Need(L.NwProto, 0xff);
        if (need == 0) return;
        ulong spa = _difference.Take(L.NwSrc, L.Window4);
        ulong tpa = _difference.Take(L.NwDst, L.Window4);
        ulong sha = _difference.Take(L.ArpSha, L.Window6);
        ulong tha = _difference.Take(L.ArpTha, L.Window6);
        ulong op = _difference.Take(L.NwProto, 0xff);
        ref DpSetArp set = ref _context.Out.Add(DpOp.SetArp).Arp;
        (set.Spa, set.SpaMask) = (_flow.Word(L.NwSrc, spa), new Be32((uint)spa));
        (set.Tpa, set.TpaMask) = (_flow.Word(L.NwDst, tpa), new Be32((uint)tpa));
        (set.Sha, set.ShaMask) = (_flow.Mac(L.ArpSha, sha), FlowWindows.Mac(sha));
        (set.Tha, set.ThaMask) = (_flow.Mac(L.ArpTha, tha), FlowWindows.Mac(tha));

        // The flow has eight bits of the operation and reads more as 0: who writes them writes the frame's sixteen. Open vSwitch leaves the high byte
        // if bits are copied to an operation that nothing else has looked at.
        if (op != 0 && !_context.ReadsWhatItWrites) _flow.Consult(L.NwProto, 0xff);
        bool isKnown = !_context.ReadsWhatItWrites || (byte)(op | read) == byte.MaxValue;
        ushort opMask = op != 0 && isKnown ? ushort.MaxValue : (ushort)op;
        (set.Op, set.OpMask) = (Be16.FromHost((ushort)(_flow.Current[L.NwProto] & opMask)), Be16.FromHost(opMask));
    }
}
