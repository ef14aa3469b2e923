using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// In Open vSwitch 3.1 the reply tuple of a translated connection is an entry of its own, and that entry does not expire: until the next
/// sweep, by default at most 20 s later, the tuple cannot be chosen for another connection, and packets that carry it are invalid, because they
/// lead to no live connection. Newer versions forget both at once. We do as 3.1 does; what stays is called a ghost here. A sweep is a
/// point in time: what expired before it is gone, whenever its memory is given back. Two other things last until the sweep: the place that
/// a connection takes in its zone, and what a control connection has announced; the sweep forgets all that was announced under its tuple, also
/// by a connection that began anew with it.
/// </remarks>
internal sealed unsafe partial class ConnExpiry
{
    /// <summary>What of a connection lasts until the sweep.</summary>
    private const ConnFlags Swept = ConnFlags.TwoEntries | ConnFlags.HasAlg | ConnFlags.Admitted;

    private readonly long _sweepMs;
    private long _lastSweepMs = long.MinValue;
    private long _nextSweepMs = long.MinValue;

    /// <summary>When the next sweep is due.</summary>
    public long NextSweepMs => _nextSweepMs;

    /// <summary>Sweeps if it is time: some time after the last sweep, or at the first moment after that at which the clock is looked at.</summary>
    public void Sweep(long nowMs)
    {
        if (nowMs < _nextSweepMs) return;
        if (_nextSweepMs != long.MinValue) _lastSweepMs = nowMs;
        _nextSweepMs = nowMs + _sweepMs;
    }

    /// <summary>Ends a connection before its time: a new one takes its place.</summary>
    public void End(int id, long nowMs)
    {
        if ((_view.Conn(id)->Flags & Swept) == 0)
        {
            Remove(id);
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
    public int Find(in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, ulong hash, long nowMs, out bool reply)
    {
        ConnView.Cursor search = _view.Search(hash);
        while (search.Next(key, src6, dst6, out int id, out reply))
        {
            if (nowMs < _view.Conn(id)->ExpiryMs) return id;
            if (ExpireFound(id, reply, nowMs)) return -id;
        }

        return 0;
    }

    public int Find(CtContext* cx, long nowMs, out bool reply) => Find(cx->Key, &cx->Src6, &cx->Dst6, cx->Hash, nowMs, out reply);

    /// <summary>
    /// A lookup met an expired connection: it goes, or becomes a ghost. True if it was its reply tuple that matched and is still taken.
    /// </summary>
    private bool ExpireFound(int id, bool reply, long nowMs)
    {
        if (!StaysAsGhost(id, nowMs))
        {
            Remove(id);
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
}
