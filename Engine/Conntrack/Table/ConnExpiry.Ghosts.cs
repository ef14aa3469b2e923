using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// In Open vSwitch 3.1 the reply tuple of a translated connection is an entry of its own, and that entry does not expire: until the next
/// sweep, by default at most 20 s later, the tuple cannot be chosen for another connection, and packets that carry it are invalid, because they
/// lead to no live connection. Newer versions forget both at once. We do as 3.1 does; what stays is called a ghost here. A sweep is a
/// point in time: what expired before it is gone, whenever its memory is given back. Two other things last until the sweep: the place that
/// a connection takes in its zone, and what a control connection has announced; the sweep forgets all that was announced under its tuple, also
/// by a connection that began anew with it.
/// </remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>What of a connection lasts until the sweep.</summary>
    private const ConnFlags Swept = ConnFlags.TwoEntries | ConnFlags.HasAlg | ConnFlags.Admitted;

    private readonly long _sweepMs;
    private long _lastSweepMs = long.MinValue;
    private long _nextSweepMs = long.MinValue;

    /// <summary>Sweeps if it is time: some time after the last sweep, or at the first moment after that at which the clock is looked at.</summary>
    private void Sweep(long nowMs)
    {
        if (nowMs < _nextSweepMs) return;
        if (_nextSweepMs != long.MinValue) _lastSweepMs = nowMs;
        _nextSweepMs = nowMs + _sweepMs;
        UpdateDue();
    }

    /// <summary>Ends a connection before its time: a new one takes its place.</summary>
    private void EndConn(int id, long nowMs)
    {
        if ((_view.Conn(id)->Flags & Swept) == 0)
        {
            RemoveConn(id);
            return;
        }
        // After a sweep in this same millisecond.
        MakeGhost(id, nowMs + 1);
        WheelMove(id);
    }

    /// <summary>
    /// Finds the live connection one of whose tuples is <paramref name="key"/>; 0 = none, negative = a ghost has the tuple. Expired ones
    /// met on the way are removed.
    /// </summary>
    private int Find(in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, ulong hash, long nowMs, out bool reply)
    {
        ConnView.Cursor search = _view.Search(hash);
        while (search.Next(key, src6, dst6, out int id, out reply))
        {
            if (nowMs < _view.Conn(id)->ExpiryMs) return id;
            if (ExpireFound(id, reply, nowMs)) return -id;
        }

        return 0;
    }

    private int Find(CtContext* cx, long nowMs, out bool reply) => Find(cx->Key, &cx->Src6, &cx->Dst6, cx->Hash, nowMs, out reply);

    /// <summary>
    /// A lookup met an expired connection: it goes, or becomes a ghost. True if it was its reply tuple that matched and is still taken.
    /// </summary>
    private bool ExpireFound(int id, bool reply, long nowMs)
    {
        if (!StaysAsGhost(id, nowMs))
        {
            RemoveConn(id);
            return false;
        }
        WheelMove(id);
        return reply && (_view.Conn(id)->Flags & ConnFlags.TwoEntries) != 0;
    }

    /// <summary>Does an expired connection stay on as a ghost? Makes it one if it is not yet.</summary>
    private bool StaysAsGhost(int id, long nowMs)
    {
        ConnRecord* c = _view.Conn(id);
        if ((c->Flags & Swept) == 0) return false;
        Sweep(nowMs);
        bool isGhost = (c->Flags & ConnFlags.Ghost) != 0;
        long expiredMs = Math.Abs(c->ExpiryMs);
        if (expiredMs <= _lastSweepMs) return false;
        if (!isGhost) MakeGhost(id, expiredMs);
        return true;
    }

    private void MakeGhost(int id, long expiredMs)
    {
        ConnRecord* c = _view.Conn(id);
        _table.RemoveEntry(_view.Hash.OfKey(c->Fwd), id);
        c->Flags |= ConnFlags.Ghost;
        c->ExpiryMs = -Math.Max(expiredMs, 1);
        c->Birth++;
        _table.Invalidate(id);
    }

    /// <summary>NAT changed nothing: the entry for the reply tuple, which outlives the connection, is found by the original tuple too.</summary>
    private bool IsInItsOwnWay(int id) => _view.Conn(id)->Nat != NatKind.None && (_view.Conn(id)->Flags & ConnFlags.TwoEntries) == 0;

    /// <summary>
    /// A packet begins such a connection anew. Open vSwitch ends the old one, finds its reply tuple, hence makes no new one, and leaves ct_state as it
    /// is; the packet shows the old connection's mark and label. (Another packet before the next sweep fails an assertion there; ours is +new.)
    /// </summary>
    private void Reopen(Packet* packet, in DpCt args, CtContext* cx, int id, long nowMs, out CtVerdict verdict)
    {
        WriteMetadata(packet, args.Zone, id);
        ApplyMarkAndLabel(packet, args, cx, id);
        EndConn(id, nowMs);
        packet->CtConnRef = 0;
        cx->ConnId = 0;
        FillVerdict(packet, cx, out verdict);
    }

    /// <summary>
    /// <c>force</c> has ended such a connection, because the packet came from its answering side: its reply tuple is in the way of a new one, and
    /// ct_state stays what an earlier <c>ct</c> has made it.
    /// </summary>
    private void NotReplaced(Packet* packet, in DpCt args, CtContext* cx, out CtVerdict verdict)
    {
        ConnMetadata.WriteOwn(packet, args.Zone, cx);
        packet->CtConnRef = 0;
        cx->ConnId = 0;
        FillVerdict(packet, cx, out verdict);
    }

    /// <summary>The packet's tuple is a ghost's reply tuple: invalid, as there is no connection behind it.</summary>
    private void MeetGhost(Packet* packet, CtContext* cx, ushort zone, out CtVerdict verdict)
    {
        packet->Key.CtState |= CtState.Inv;
        ConnMetadata.WriteUnknown(packet, zone);
        packet->CtConnRef = 0;
        cx->ConnId = 0;
        FillVerdict(packet, cx, out verdict);
    }
}
