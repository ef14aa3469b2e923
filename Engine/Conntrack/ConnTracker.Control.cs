using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>What control does: the passing of time, flushes, limits of zones, timeout policies.</remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>
    /// Removes connections that expired and lets overdue fragments go, a bounded number per call; returns how many it handled, 0 = nothing to do.
    /// Connections may stay up to 512 ms longer in the table than they are visible to packets.
    /// </summary>
    public int Step(long nowMs)
    {
        nowMs = Clock.Of(nowMs);
        _expiry.Sweep(nowMs);
        int handled = _defragmenter.Expire(nowMs, CtFragments.PurgeMs, ConnExpiry.StepBudget) + _expiry.Step(nowMs);
        UpdateDue();
        return handled;
    }

    /// <summary>Removes every connection that is expired at <paramref name="nowMs"/>, exactly, and overdue fragments; returns how many connections.</summary>
    public int ExpireAll(long nowMs)
    {
        _expiry.Sweep(nowMs);
        _defragmenter.Expire(nowMs, CtFragments.PurgeMs, int.MaxValue);
        UpdateDue();
        return _expiry.ExpireAll(nowMs);
    }

    /// <summary>Removes every connection (<c>dpctl/flush-conntrack</c>); fragments on hold stay.</summary>
    public void FlushAll(long nowMs) => _expiry.FlushAll(nowMs);

    /// <summary>Removes every connection of a zone.</summary>
    public void FlushZone(ushort zone) => _expiry.FlushZone(zone);

    /// <summary>Removes the connection one of whose tuples is given; false if there is none.</summary>
    public bool FlushTuple(ushort zone, in ConnTuple tuple, long nowMs)
    {
        if (!_keys.TryRead(zone, tuple, out ConnKey key)) return false;
        Ipv6Address src = tuple.Src, dst = tuple.Dst;
        int id = _expiry.Find(key, &src, &dst, _view.Hash.OfKey(key), nowMs, out _);
        if (id <= 0) return false;
        _expiry.Remove(id);
        return true;
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

    /// <summary>Limit that holds for a zone (0 = none set) and its connections counted against it (<c>dpctl/ct-get-limits</c>).</summary>
    public (uint Limit, uint Count) GetZoneLimit(ushort zone) => _zones.Get(zone);

    /// <summary>Adds a timeout policy or replaces it; connections under it follow from their next packet on.</summary>
    /// <exception cref="ArgumentException">Too many policies.</exception>
    public void SetTimeoutPolicy(CtTimeoutPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        _timeouts.Set(policy);
    }

    /// <summary>Removes a policy: its connections go back to the default timeouts from their next packet on.</summary>
    public bool RemoveTimeoutPolicy(uint id) => _timeouts.Remove(id);

    /// <summary>A live connection, for people. Cold path: allocates.</summary>
    /// <param name="connId">Connection id.</param>
    /// <param name="nowMs">Clock, for the seconds left.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such connection.</exception>
    public ConnInfo Describe(int connId, long nowMs = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(connId, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(connId, _view.Capacity);
        bool isLive = (_view.Conn(connId)->Flags & ConnFlags.Live) != 0;
        return isLive ? ConnDump.Describe(_view, connId, nowMs) : throw new ArgumentOutOfRangeException(nameof(connId), connId, "There is no connection with this id.");
    }

    /// <summary>The connections that have not expired, for people. Cold path: allocates.</summary>
    public IEnumerable<ConnInfo> Snapshot(long nowMs)
    {
        for (int id = 1; id < _table.HighWater; id++)
        {
            if (IsLiveAt(id, nowMs)) yield return ConnDump.Describe(_view, id, nowMs);
        }
    }

    private bool IsLiveAt(int id, long nowMs) => (_view.Conn(id)->Flags & ConnFlags.Live) != 0 && nowMs < _view.Conn(id)->ExpiryMs;
}
