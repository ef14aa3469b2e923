namespace Mergeflow.Engine.Conntrack;

/// <remarks>What control does: the passing of time, flushes, limits of zones, dumps.</remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>Where the first part of a flush or a dump begins.</summary>
    public const int FirstSlot = 1;

    /// <summary>
    /// Removes connections that expired and lets overdue fragments go, a bounded number per call; returns how many it handled, 0 = nothing to do.
    /// Connections may stay up to 512 ms longer in the table than they are visible to packets. Drops fragments of all packet threads: where these are threads
    /// of their own, each calls <see cref="ConnThread.Step"/> for itself.
    /// </summary>
    public int Step(long nowMs)
    {
        nowMs = Clock.Of(nowMs);
        int handled = 0;
        foreach (ConnThread thread in _threads) handled += thread.Step(nowMs);
        return handled;
    }

    /// <summary>
    /// Removes every connection that is expired at <paramref name="nowMs"/>, exactly, and overdue fragments; returns how many connections. For a moment at which no
    /// packet thread runs.
    /// </summary>
    public int ExpireAll(long nowMs)
    {
        int removed = 0;
        foreach (ConnThread thread in _threads) removed += thread.ExpireAll(nowMs);
        return removed;
    }

    /// <summary>Would any packet thread's next packet take late fragments along? See <see cref="ConnThread.SendsLate"/>.</summary>
    public bool SendsLate(long nowMs)
    {
        foreach (ConnThread thread in _threads)
        {
            if (thread.SendsLate(nowMs)) return true;
        }

        return false;
    }

    /// <summary>Removes every connection (<c>dpctl/flush-conntrack</c>); fragments on hold stay, and so may connections that begin meanwhile.</summary>
    public void FlushAll() => Flush(null, FirstSlot, int.MaxValue);

    /// <summary>Removes every connection of a zone.</summary>
    public void FlushZone(ushort zone) => Flush(zone, FirstSlot, int.MaxValue);

    /// <summary>A part of <see cref="FlushAll"/> or <see cref="FlushZone"/>: <paramref name="count"/> slots from <paramref name="from"/> on. Returns where the next part begins, 0 = there is none.</summary>
    public int Flush(ushort? zone, int from, int count)
    {
        int high = _table.HighWater, end = (int)Math.Min((long)from + count, high);
        if (_isShared) _control.Flush<SharedSync>(zone, from, end);
        else _control.Flush<AloneSync>(zone, from, end);
        return end < high ? end : 0;
    }

    /// <summary>Limit of every zone that has none of its own, 0 = none.</summary>
    public uint DefaultLimit
    {
        get => _zones.DefaultLimit;
        set => _zones.DefaultLimit = value;
    }

    /// <summary>Sets the most connections of a zone (<c>dpctl/ct-set-limits</c>); 0 lets none in.</summary>
    public void SetZoneLimit(ushort zone, uint limit) => _zones.Set(zone, limit);

    /// <summary>Removes the limit of a zone (<c>dpctl/ct-del-limits</c>); false if it had none.</summary>
    public bool RemoveZoneLimit(ushort zone) => _zones.Remove(zone);

    /// <summary>The connections that have not expired, for people: each as it is at one moment, all of them at several. Cold path: allocates.</summary>
    public IEnumerable<ConnInfo> Snapshot(long nowMs)
    {
        for (int id = FirstSlot; id < _table.HighWater; id++)
        {
            if (DescribeLive(id, nowMs) is { } info) yield return info;
        }
    }

    /// <summary>A part of <see cref="Snapshot(long)"/>: <paramref name="count"/> slots from <paramref name="from"/> on. Returns where the next part begins, 0 = there is none.</summary>
    public int Snapshot(long nowMs, int from, int count, List<ConnInfo> into)
    {
        int high = _table.HighWater, end = (int)Math.Min((long)from + count, high);
        for (int id = from; id < end; id++)
        {
            if (DescribeLive(id, nowMs) is { } info) into.Add(info);
        }

        return end < high ? end : 0;
    }

    private ConnInfo? DescribeLive(int id, long nowMs)
    {
        if ((_view.Conn(id)->Flags & ConnFlags.Live) == 0) return null;

        // Nothing is allocated while it is held.
        ConnCopy copy = _isShared ? ConnCopy.Of<SharedSync>(_view, _control.Lock, id) : ConnCopy.Of<AloneSync>(_view, _control.Lock, id);
        return (copy.Record.Flags & ConnFlags.Live) != 0 && nowMs < copy.Record.ExpiryMs ? ConnDump.Describe(copy, id, nowMs) : null;
    }
}
