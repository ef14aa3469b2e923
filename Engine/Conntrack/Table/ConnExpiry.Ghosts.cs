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

    /// <summary>When the next sweep is due.</summary>
    public long NextSweepMs => _sweep.NextMs;

    /// <inheritdoc cref="ConnSweep.Pass"/>
    public void Sweep(long nowMs) => _sweep.Pass(nowMs);

    /// <summary>Ends a connection before its time: a new one takes its place.</summary>
    public void End<S>(int id, long nowMs)
        where S : struct, IConnSync
    {
        if ((_view.Conn(id)->Flags & Swept) == 0)
        {
            Remove<S>(id);
            return;
        }
        // After a sweep in this same millisecond.
        MakeGhost<S>(id, nowMs + 1);
        Move<S>(id);
    }

    /// <summary>
    /// Finds the live connection one of whose tuples is <paramref name="key"/>, and holds it; 0 = none, negative = a ghost has the tuple, and is held. Expired ones
    /// met on the way are removed.
    /// </summary>
    public int Find<S>(in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, ulong hash, long nowMs, out bool reply)
        where S : struct, IConnSync
    {
        if (S.IsShared) return FindShared<S>(key, src6, dst6, hash, nowMs, out reply);
        ConnView.Cursor search = _view.Search(hash);
        while (search.Next(key, src6, dst6, out int id, out reply))
        {
            if (nowMs < _view.Conn(id)->ExpiryMs) return id;
            if (ExpireFound<S>(id, reply, nowMs)) return -id;
        }

        return 0;
    }

    public int Find<S>(CtContext* cx, long nowMs, out bool reply)
        where S : struct, IConnSync
        => Find<S>(cx->Key, &cx->Src6, &cx->Dst6, cx->Hash, nowMs, out reply);

    /// <summary>The same, and holds nothing.</summary>
    public int Look<S>(in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, ulong hash, long nowMs)
        where S : struct, IConnSync
    {
        int id = Find<S>(key, src6, dst6, hash, nowMs, out _);
        if (id != 0) _lock.Release<S>(_view.Conn(Math.Abs(id)));
        return id;
    }

    /// <summary>
    /// A lookup met an expired connection: it goes, or becomes a ghost. True if it was its reply tuple that matched and is still taken.
    /// </summary>
    private bool ExpireFound<S>(int id, bool reply, long nowMs)
        where S : struct, IConnSync
    {
        if (!StaysAsGhost<S>(id, nowMs))
        {
            Remove<S>(id);
            return false;
        }
        Move<S>(id);
        return reply && (_view.Conn(id)->Flags & ConnFlags.TwoEntries) != 0;
    }

    /// <summary>Does an expired connection stay on as a ghost? Makes it one if it is not yet.</summary>
    private bool StaysAsGhost<S>(int id, long nowMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        if ((c->Flags & Swept) == 0) return false;
        Sweep(nowMs);
        bool isGhost = (c->Flags & ConnFlags.Ghost) != 0;
        long expiredMs = Math.Abs(c->ExpiryMs);
        if (expiredMs <= _sweep.LastMs) return false;
        if (!isGhost) MakeGhost<S>(id, expiredMs);
        return true;
    }

    private void MakeGhost<S>(int id, long expiredMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        _table.RemoveEntry<S>(_view.Hash.OfKey(c->Fwd), id);
        c->Flags |= ConnFlags.Ghost;
        c->ExpiryMs = -Math.Max(expiredMs, 1);
        c->Birth++;
        _slots.Invalidate<S>(id);
    }
}
