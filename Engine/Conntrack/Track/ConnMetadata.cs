using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnTracker
{
    /// <summary>
    /// Writes ct_state's +trk, zone, mark, label and the original direction's tuple (OVS <c>write_ct_md</c>). Without a connection the
    /// tuple is the packet's own, and without a context there is none.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteMetadata(Packet* packet, ushort zone, int id, CtContext* cx, int expectation = 0)
    {
        FlowKey* k = &packet->Key;
        k->CtState |= CtState.Trk;
        k->CtZone = Be16.FromHost(zone);
        packet->KeyLanes = (packet->KeyLanes | CtLane) & ~CtIpv6Lane;
        if (id == 0)
        {
            k->CtMark = default;
            k->CtLabel = default;
            if (cx == null)
            {
                WriteTuple(k, default);
                return;
            }
            if (expectation != 0)
            {
                WriteExpected(packet, ref _expectations[expectation]);
                return;
            }
            WriteTuple(k, cx->Key);
            if (cx->IsIpv6) WriteTupleIpv6(packet, cx->Src6, cx->Dst6);
            return;
        }
        ConnRecord* c = Conn(id);
        k->CtMark = Be32.FromHost(c->Mark);
        k->CtLabel = c->Label;
        if ((c->Flags & ConnFlags.Related) != 0)
        {
            WriteTuple(k, _parents[id].Key);
            if (c->IsIpv6) WriteTupleIpv6(packet, _parents[id].Src, _parents[id].Dst);
            return;
        }
        WriteTuple(k, c->Fwd);
        if (c->IsIpv6) WriteTupleIpv6(packet, _addresses[id].FwdSrc, _addresses[id].FwdDst);
    }

    /// <summary>The packet was expected, but no connection was made of it.</summary>
    private static void WriteExpected(Packet* packet, ref CtExpectation e)
    {
        FlowKey* k = &packet->Key;
        k->CtMark = Be32.FromHost(e.Mark);
        k->CtLabel = e.Label;
        WriteTuple(k, e.ParentKey);
        if ((e.ParentKey.Aux & ConnKey.AuxIpv6) != 0) WriteTupleIpv6(packet, e.ParentSrc6, e.ParentDst6);
    }

    /// <summary>Bytes 16..31 of lane 3: addresses, ports, protocol. ICMP queries show type and code (always 0) as ports.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteTuple(FlowKey* k, in ConnKey key)
    {
        bool ipv6 = (key.Aux & ConnKey.AuxIpv6) != 0;
        ulong tail = key.Tail & 0xff_ffff_ffff;
        if ((key.Aux & ConnKey.AuxIcmp) != 0) tail = (tail & 0xff_0000_0000) | ((ulong)key.IcmpType << 8);
        ulong* at = (ulong*)&k->CtNwSrc;
        at[0] = ipv6 ? 0 : key.Addrs;
        at[1] = tail;
    }

    private static void WriteTupleIpv6(Packet* packet, in Ipv6Address src, in Ipv6Address dst)
    {
        packet->Key.CtIpv6Src = src;
        packet->Key.CtIpv6Dst = dst;
        packet->KeyLanes |= CtIpv6Lane;
    }

    /// <summary>
    /// Applies the action's mark and label to the connection and the packet (OVS <c>set_mark</c>, <c>set_label</c>). A related connection keeps what it
    /// has from its control connection.
    /// </summary>
    private void WriteMarkAndLabel(Packet* packet, in DpCt args, CtContext* cx, int id)
    {
        bool hasLabel = !args.LabelMask.IsZero;
        if (args.MarkMask == 0 && !hasLabel) return;
        ConnRecord* c = Conn(id);
        if ((c->Flags & ConnFlags.Related) != 0)
        {
            if (args.MarkMask != 0) packet->Key.CtMark = Be32.FromHost(c->Mark);
            if (hasLabel) packet->Key.CtLabel = c->Label;
            return;
        }
        bool changed = false;
        if (args.MarkMask != 0)
        {
            uint mark = args.Mark | (packet->Key.CtMark.Host & ~args.MarkMask);
            changed = mark != c->Mark;
            c->Mark = mark;
            packet->Key.CtMark = Be32.FromHost(mark);
        }
        if (hasLabel)
        {
            Ipv6Address label = Ipv6Address.FromUInt128(
                args.Label.ToUInt128() | (packet->Key.CtLabel.ToUInt128() & ~args.LabelMask.ToUInt128()));
            changed |= label != c->Label;
            c->Label = label;
            packet->Key.CtLabel = label;
        }
        if (!changed) return;
        cx->Changed = true;
        Invalidate(id);
    }

    /// <summary>
    /// Leaves the connection with the packet for the next <c>ct</c> of the same zone (OVS <c>set_cached_conn</c>), unless this one
    /// translated.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RememberConn(Packet* packet, CtContext* cx, int id, bool nat)
    {
        if (nat || id == 0)
        {
            packet->CtConnRef = 0;
            return;
        }
        packet->CtConnRef = id + 1;
        packet->CtConnBirth = Conn(id)->Birth;
        packet->CtConnFlags = (byte)((cx->Reply ? 1 : 0) | (cx->IcmpRelated ? 2 : 0));
    }

    /// <summary>Does what the packet carries still hold? Same zone, and the connection is there. (A rewrite in between has cleared it.)</summary>
    private bool IsCached(Packet* packet, in DpCt args)
    {
        int id = packet->CtConnRef - 1;
        if ((packet->Key.CtState & CtState.Trk) == 0 || (args.Flags & DpCtFlags.Force) != 0) return false;
        if ((uint)id > (uint)_capacity) return false;
        ConnRecord* c = Conn(id);
        bool isLive = (c->Flags & ConnFlags.Live) != 0 && c->Birth == packet->CtConnBirth;
        if (AlgOf(packet, args, isLive ? id : 0) != CtAlg.None) return false;
        return (isLive || IsJustGone(c, packet, args)) && c->Fwd.Zone == args.Zone;
    }

    /// <summary>
    /// A clone of the packet has ended its connection (<c>force</c>): the packet itself still holds it, as in OVS, and its state stays what it was.
    /// </summary>
    private static bool IsJustGone(ConnRecord* c, Packet* packet, in DpCt args)
        => c->Flags == ConnFlags.None && c->Birth == (ushort)(packet->CtConnBirth + 1) && (args.Flags & (DpCtFlags.Nat | DpCtFlags.Commit)) == 0;

    /// <summary>The second <c>ct</c> of a packet in one zone: only NAT, mark and label (OVS <c>process_one_fast</c>).</summary>
    private void ProcessCached(Packet* packet, in DpCt args, CtContext* cx, out CtVerdict verdict)
    {
        int id = packet->CtConnRef - 1;
        ConnRecord* c = Conn(id);
        if ((c->Flags & ConnFlags.Live) == 0)
        {
            cx->ConnId = 0;
            packet->Key.CtZone = Be16.FromHost(args.Zone);
            FillVerdict(packet, cx, out verdict);
            verdict.Cached = true;
            return;
        }

        cx->ConnId = id;
        cx->Reply = (packet->CtConnFlags & 1) != 0;
        cx->IcmpRelated = (packet->CtConnFlags & 2) != 0;
        if ((args.Flags & DpCtFlags.Nat) != 0)
        {
            HandleNat(packet, cx, id, args.Zone);
            packet->CtConnRef = 0;
        }
        packet->Key.CtZone = Be16.FromHost(args.Zone);
        packet->Key.CtMark = Be32.FromHost(c->Mark);
        packet->Key.CtLabel = c->Label;
        WriteMarkAndLabel(packet, args, cx, id);
        FillVerdict(packet, cx, out verdict);
        verdict.Cached = true;
    }

    private void FillVerdict(Packet* packet, CtContext* cx, out CtVerdict verdict)
    {
        FlowKey* k = &packet->Key;
        int id = cx->ConnId;
        verdict.ConnId = id == 0 ? -1 : id;
        verdict.Generation = id == 0 ? 0 : Conn(id)->Generation;
        verdict.State = k->CtState;
        verdict.Reply = cx->Reply;
        verdict.Disposition = CtDisposition.Continue;
        verdict.Translated = cx->Translated;
        verdict.Changed = cx->Changed;
        verdict.Offloadable = id != 0 && !cx->IcmpRelated && (k->CtState & (CtState.Est | CtState.Inv)) == CtState.Est && IsEstablished(Conn(id));
        verdict.HasAlg = id != 0 && (Conn(id)->Flags & ConnFlags.HasAlg) != 0;
        verdict.Cached = false;
        verdict.ByOriginalTuple = cx->ByOriginalTuple;
        verdict.Zone = k->CtZone.Host;
        verdict.Mark = k->CtMark.Host;
        verdict.Label = k->CtLabel;
        Unsafe.SkipInit(out verdict.SrcAfter);
        Unsafe.SkipInit(out verdict.DstAfter);
        Unsafe.SkipInit(out verdict.TpSrcAfter);
        Unsafe.SkipInit(out verdict.TpDstAfter);
        WriteAddressesAfter(k, k->DlType.Raw == CtHeaders.Ipv6Raw, ref verdict);
    }
}
