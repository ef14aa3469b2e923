namespace Mergeflow.Engine;

/// <remarks>
/// In Open vSwitch 3.1 the reply tuple of a translated connection is an entry of its own, and that entry does not expire: until the next
/// sweep, by default at most 20 s later, the tuple cannot be chosen for another connection, and packets that carry it are invalid, because they
/// lead to no live connection. Newer versions forget both at once. We do as 3.1 does; what stays is called a ghost here. A sweep is a
/// point in time: what expired before it is gone, whenever its memory is given back.
/// </remarks>
public sealed unsafe partial class Conntrack
{
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
        if ((Conn(id)->Flags & ConnFlags.TwoEntries) == 0)
        {
            RemoveConn(id);
            return;
        }
        // After a sweep in this same millisecond.
        MakeGhost(id, nowMs + 1);
        WheelMove(id);
    }

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
        return reply;
    }

    /// <summary>Does an expired connection stay on as a ghost? Makes it one if it is not yet.</summary>
    private bool StaysAsGhost(int id, long nowMs)
    {
        ConnRecord* c = Conn(id);
        if ((c->Flags & ConnFlags.TwoEntries) == 0) return false;
        Sweep(nowMs);
        bool isGhost = (c->Flags & ConnFlags.Ghost) != 0;
        long expiredMs = Math.Abs(c->ExpiryMs);
        if (expiredMs <= _lastSweepMs) return false;
        if (!isGhost) MakeGhost(id, expiredMs);
        return true;
    }

    private void MakeGhost(int id, long expiredMs)
    {
        ConnRecord* c = Conn(id);
        RemoveEntry(_hash.OfKey(c->Fwd), id);
        c->Flags |= ConnFlags.Ghost;
        c->ExpiryMs = -Math.Max(expiredMs, 1);
        c->Birth++;
        Invalidate(id);
    }

    /// <summary>The packet's tuple is a ghost's reply tuple: invalid, as there is no connection behind it.</summary>
    private void MeetGhost(Packet* packet, CtContext* cx, ushort zone, out CtVerdict verdict)
    {
        packet->Key.CtState |= CtState.Inv;
        WriteMetadata(packet, zone, 0, null);
        packet->CtConnRef = 0;
        cx->ConnId = 0;
        FillVerdict(packet, cx, out verdict);
    }
}
