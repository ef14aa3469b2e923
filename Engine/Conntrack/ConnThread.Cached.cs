using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// What a packet carries to the next <c>ct</c> of the same zone: its connection. That one then does NAT, mark and label only.
/// </remarks>
public sealed unsafe partial class ConnThread
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteMetadata(Packet* packet, ushort zone, int id, CtContext* cx, bool isExpected)
    {
        if (id != 0) WriteMetadata(packet, zone, id);
        else if (isExpected) ConnMetadata.WriteExpected(packet, zone, in _expected);
        else ConnMetadata.WriteOwn(packet, zone, cx);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteMetadata(Packet* packet, ushort zone, int id)
    {
        ConnRecord* c = _view.Conn(id);
        if ((c->Flags & ConnFlags.Related) != 0)
        {
            ref readonly Expectations.ParentTuple parent = ref _expectations.ParentOf(id);
            ConnMetadata.Write(packet, zone, c, parent.Key, parent.Src, parent.Dst);
            return;
        }

        ConnMetadata.Write(packet, zone, c, c->Fwd, _view.Addresses(id)->FwdSrc, _view.Addresses(id)->FwdDst);
    }

    private void ApplyMarkAndLabel<S>(Packet* packet, in DpCt args, CtContext* cx, int id)
        where S : struct, IConnSync
    {
        if (!ConnMetadata.Apply(packet, args, _view.Conn(id))) return;
        cx->Changed = true;
        _slots.Invalidate<S>(id);
    }

    private void FillVerdict(Packet* packet, CtContext* cx, out CtVerdict verdict)
        => ConnMetadata.FillVerdict(packet, cx, cx->ConnId == 0 ? null : _view.Conn(cx->ConnId), out verdict);

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
        packet->CtConnBirth = _view.Conn(id)->Birth;
        packet->CtConnFlags = (byte)((cx->Reply ? 1 : 0) | (cx->IcmpRelated ? 2 : 0));
    }

    /// <summary>Does what the packet carries still hold? Same zone, and the connection is there; it is held then. (A rewrite in between has cleared it.)</summary>
    private bool IsCached<S>(Packet* packet, in DpCt args)
        where S : struct, IConnSync
    {
        int id = packet->CtConnRef - 1;
        if ((packet->Key.CtState & CtState.Trk) == 0 || (args.Flags & DpCtFlags.Force) != 0) return false;
        if ((uint)id > (uint)_view.Capacity) return false;
        ConnRecord* c = _view.Conn(id);
        _lock.Take<S>(c);
        if (IsCached(packet, args, c, id)) return true;
        _lock.Release<S>(c);
        return false;
    }

    private bool IsCached(Packet* packet, in DpCt args, ConnRecord* c, int id)
    {
        bool isLive = (c->Flags & ConnFlags.Live) != 0 && c->Birth == packet->CtConnBirth;
        if (_gateways.AlgOf(packet, args, isLive ? id : 0) != CtAlg.None) return false;
        return (isLive || IsJustGone(c, packet, args)) && c->Fwd.Zone == args.Zone;
    }

    /// <summary>
    /// A clone of the packet has ended its connection (<c>force</c>): the packet itself still holds it, as in OVS, and its state stays what it was.
    /// </summary>
    private static bool IsJustGone(ConnRecord* c, Packet* packet, in DpCt args)
        => (c->Flags & ~ConnFlags.Locked) == ConnFlags.None && c->Birth == (ushort)(packet->CtConnBirth + 1) && (args.Flags & (DpCtFlags.Nat | DpCtFlags.Commit)) == 0;

    /// <summary>The second <c>ct</c> of a packet in one zone: only NAT, mark and label (OVS <c>process_one_fast</c>).</summary>
    private void ProcessCached<S>(Packet* packet, in DpCt args, CtContext* cx, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        int id = packet->CtConnRef - 1;
        ConnRecord* c = _view.Conn(id);
        if ((c->Flags & ConnFlags.Live) == 0)
        {
            cx->ConnId = 0;
            packet->Key.CtZone = Be16.FromHost(args.Zone);
            FillVerdict(packet, cx, out verdict);
            verdict.Cached = true;
            _lock.Release<S>(c);
            return;
        }

        cx->ConnId = id;
        cx->Reply = (packet->CtConnFlags & 1) != 0;
        cx->IcmpRelated = (packet->CtConnFlags & 2) != 0;
        if ((args.Flags & DpCtFlags.Nat) != 0)
        {
            ConnTranslation.Handle(packet, cx, _view.Conn(id), _view.Addresses(id), args.Zone);
            packet->CtConnRef = 0;
        }
        packet->Key.CtZone = Be16.FromHost(args.Zone);
        packet->Key.CtMark = Be32.FromHost(c->Mark);
        packet->Key.CtLabel = c->Label;
        ApplyMarkAndLabel<S>(packet, args, cx, id);
        FillVerdict(packet, cx, out verdict);
        verdict.Cached = true;
        _lock.Release<S>(c);
    }
}
