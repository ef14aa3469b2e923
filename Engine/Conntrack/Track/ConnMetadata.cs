using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>The ct_* fields of a packet: +trk, zone, mark, label and the original direction's tuple (OVS <c>write_ct_md</c>).</summary>
internal static unsafe class ConnMetadata
{
    /// <summary>Lanes of the flow key that have them; the addresses of IPv6 are in one of their own.</summary>
    public const uint Lane = 1u << Lanes.Ct;
    public const uint Ipv6Lane = 1u << Lanes.CtIpv6;

    /// <inheritdoc cref="ConnThread.Clear"/>
    public static void Clear(Packet* packet)
    {
        packet->Key.CtState = CtState.None;
        packet->Key.CtZone = default;
        packet->Key.CtMark = default;
        packet->KeyLanes &= ~(Lane | Ipv6Lane);
        packet->CtConnRef = 0;
        FlowKey.Lane(ref packet->Key, Lanes.Ct) = default;
        FlowKey.Lane(ref packet->Key, Lanes.CtIpv6) = default;
    }

    /// <summary>Nothing is known of the packet: no tuple either.</summary>
    public static void WriteUnknown(Packet* packet, ushort zone)
    {
        FlowKey* k = Track(packet, zone);
        k->CtMark = default;
        k->CtLabel = default;
        WriteTuple(k, default);
    }

    /// <summary>No connection: the tuple is the packet's own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteOwn(Packet* packet, ushort zone, CtContext* cx)
    {
        FlowKey* k = Track(packet, zone);
        k->CtMark = default;
        k->CtLabel = default;
        WriteTuple(k, cx->Key);
        if (cx->IsIpv6) WriteTupleIpv6(packet, cx->Src6, cx->Dst6);
    }

    /// <summary>The packet was expected, but no connection was made of it.</summary>
    public static void WriteExpected(Packet* packet, ushort zone, in CtExpectation e)
    {
        FlowKey* k = Track(packet, zone);
        k->CtMark = Be32.FromHost(e.Mark);
        k->CtLabel = e.Label;
        WriteTuple(k, e.ParentKey);
        if ((e.ParentKey.Aux & ConnKey.AuxIpv6) != 0) WriteTupleIpv6(packet, e.ParentSrc6, e.ParentDst6);
    }

    /// <summary>A connection, and a tuple: its own, or that of its control connection.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Packet* packet, ushort zone, ConnRecord* c, in ConnKey tuple, in Ipv6Address src, in Ipv6Address dst)
    {
        FlowKey* k = Track(packet, zone);
        k->CtMark = Be32.FromHost(c->Mark);
        k->CtLabel = c->Label;
        WriteTuple(k, tuple);
        if (c->IsIpv6) WriteTupleIpv6(packet, src, dst);
    }

    /// <summary>ct_state (as set), zone and mark in one store, label and original tuple in two: of IPv4, and of IPv6 all but the addresses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteEstablished(Packet* packet, ConnRecord* c, ushort zone)
    {
        FlowKey* k = &packet->Key;
        k->CtState |= CtState.Trk;
        *(ulong*)&k->CtState = (byte)k->CtState
            | ((ulong)BinaryPrimitives.ReverseEndianness(zone) << 16)
            | ((ulong)BinaryPrimitives.ReverseEndianness(c->Mark) << 32);
        packet->KeyLanes = (packet->KeyLanes | Lane) & ~Ipv6Lane;
        k->CtLabel = c->Label;
        ulong* tuple = (ulong*)&k->CtNwSrc;
        tuple[0] = c->Fwd.Addrs;
        tuple[1] = c->Fwd.Tail & 0xff_ffff_ffff;
    }

    /// <summary>The addresses of an IPv6 connection, behind <see cref="WriteEstablished"/>.</summary>
    public static void WriteAddressesIpv6(Packet* packet, ConnAddresses* a)
    {
        *(ulong*)&packet->Key.CtNwSrc = 0;
        WriteTupleIpv6(packet, a->FwdSrc, a->FwdDst);
    }

    /// <summary>
    /// Applies the action's mark and label to the connection and the packet (OVS <c>set_mark</c>, <c>set_label</c>). A related connection keeps what it
    /// has from its control connection. True if the connection has changed.
    /// </summary>
    public static bool Apply(Packet* packet, in DpCt args, ConnRecord* c)
    {
        bool hasLabel = !args.LabelMask.IsZero;
        if (args.MarkMask == 0 && !hasLabel) return false;
        if ((c->Flags & ConnFlags.Related) != 0)
        {
            if (args.MarkMask != 0) packet->Key.CtMark = Be32.FromHost(c->Mark);
            if (hasLabel) packet->Key.CtLabel = c->Label;
            return false;
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
        return changed;
    }

    /// <summary>Fills in what the action did; <paramref name="c"/> is the connection, null = none.</summary>
    public static void FillVerdict(Packet* packet, CtContext* cx, ConnRecord* c, out CtVerdict verdict)
    {
        FlowKey* k = &packet->Key;
        verdict.ConnId = c == null ? -1 : cx->ConnId;
        verdict.Generation = c == null ? 0 : c->Generation;
        verdict.State = k->CtState;
        verdict.Reply = cx->Reply;
        verdict.Disposition = CtDisposition.Continue;
        verdict.Translated = cx->Translated;
        verdict.Changed = cx->Changed;
        verdict.Offloadable = c != null && !cx->IcmpRelated && (k->CtState & (CtState.Est | CtState.Inv)) == CtState.Est && c->IsEstablished;
        verdict.HasAlg = c != null && (c->Flags & ConnFlags.HasAlg) != 0;
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

    /// <summary>What the packet has become, for who merges traces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteAddressesAfter(FlowKey* k, bool isIpv6, ref CtVerdict verdict)
    {
        if (isIpv6)
        {
            verdict.SrcAfter = k->Ipv6Src;
            verdict.DstAfter = k->Ipv6Dst;
        }
        else
        {
            Unsafe.As<Ipv6Address, Vector128<uint>>(ref verdict.SrcAfter) = Vector128.CreateScalar(k->NwSrc.Raw);
            Unsafe.As<Ipv6Address, Vector128<uint>>(ref verdict.DstAfter) = Vector128.CreateScalar(k->NwDst.Raw);
        }
        verdict.TpSrcAfter = k->TpSrc;
        verdict.TpDstAfter = k->TpDst;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static FlowKey* Track(Packet* packet, ushort zone)
    {
        FlowKey* k = &packet->Key;
        k->CtState |= CtState.Trk;
        k->CtZone = Be16.FromHost(zone);
        packet->KeyLanes = (packet->KeyLanes | Lane) & ~Ipv6Lane;
        return k;
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
        packet->KeyLanes |= Ipv6Lane;
    }
}
