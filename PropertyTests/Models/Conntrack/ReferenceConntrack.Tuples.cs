namespace Mergeflow.PropertyTests;

internal sealed partial class ReferenceConntrack
{
    /// <summary>
    /// Open vSwitch 3.1 keeps the reply tuple of a translated connection as an entry of its own, which is forgotten by a sweep every 20 s only.
    /// </summary>
    private const long SweepMs = 20_000;

    private readonly Dictionary<RefKey, List<RefConn>> _forward = [];
    private readonly Dictionary<RefKey, List<RefConn>> _plainReply = [];
    private readonly Dictionary<RefKey, List<RefConn>> _twins = [];
    private readonly List<RefConn> _all = [];
    private long _nextSweepMs = long.MinValue;
    private long _added;

    /// <summary>Living connections.</summary>
    public IEnumerable<RefConn> Connections(long nowMs) => _all.Where(c => nowMs < c.ExpiryMs);

    public void Flush(int? zone)
    {
        foreach (RefConn c in _all.Where(c => zone is null || c.Forward.Zone == zone).ToList()) Remove(c);
    }

    private void Add(RefConn conn)
    {
        conn.Number = ++_added;
        _all.Add(conn);
        Slot(_forward, conn.Forward).Add(conn);
        Slot(conn.TranslatesSource is null ? _plainReply : _twins, conn.Reply).Add(conn);
    }

    private void Remove(RefConn conn)
    {
        _all.Remove(conn);
        Slot(_forward, conn.Forward).Remove(conn);
        Slot(conn.TranslatesSource is null ? _plainReply : _twins, conn.Reply).Remove(conn);
    }

    private static List<RefConn> Slot(Dictionary<RefKey, List<RefConn>> map, RefKey key)
    {
        if (!map.TryGetValue(key, out List<RefConn>? slot)) map[key] = slot = [];
        return slot;
    }

    /// <summary>
    /// The entry that has this tuple in one of its directions, of several the one added last, as they are in one hash chain. A translated
    /// connection is found by its forward tuple or by the twin entry that has its reply tuple; expired connections are not found, but their
    /// twins are until the sweep.
    /// </summary>
    private Found? Find(RefKey key)
    {
        var found = new List<Found>();
        foreach (RefConn c in Slot(_forward, key)) if (_nowMs < c.ExpiryMs) found.Add(new(c, false, false));
        foreach (RefConn c in Slot(_plainReply, key)) if (_nowMs < c.ExpiryMs) found.Add(new(c, true, false));
        foreach (RefConn c in Slot(_twins, key)) found.Add(new(c, false, true));
        return found.Count == 0 ? null : found.MaxBy(f => (f.Conn.Number, f.IsTwin ? 0 : 1));
    }

    /// <summary>
    /// The clock was looked at. Every 20 s, or at the first look after that, what expired before is forgotten with its twins (OVS <c>ct_clean</c>).
    /// </summary>
    public void Look(long nowMs)
    {
        _nowMs = nowMs;
        if (nowMs < _nextSweepMs) return;
        if (_nextSweepMs != long.MinValue)
        {
            foreach (RefConn c in _all.Where(c => Math.Abs(c.ExpiryMs) <= nowMs).ToList()) Remove(c);
        }

        _nextSweepMs = nowMs + SweepMs;
    }

    /// <summary>Ends a connection now; its twin stays until the sweep.</summary>
    private void ForceExpire(RefConn conn)
    {
        if (_nowMs < conn.ExpiryMs) conn.ExpiryMs = -(_nowMs + 1);
    }

    /// <summary>Finds the connection of a packet that was translated by the tuple that the packet's metadata remembers (OVS <c>check_orig_tuple</c>).</summary>
    private RefConn? FindByOriginalTuple(ReferencePacket p, RefKey key)
    {
        if (p.CtTuple is not { } tuple || tuple.IsIpv6 != key.IsIpv6 || tuple.Proto == 0) return null;
        if (key.Proto is 1 or 58)
        {
            tuple = tuple with
            {
                Src = tuple.Src with { Port = key.Src.Port },
                Dst = tuple.Dst with { Port = key.Dst.Port, IcmpType = ReverseIcmpType(tuple.Src.IcmpType) },
            };
        }

        return Find(tuple with { Zone = p.CtZone }) is { IsTwin: false } found ? found.Conn : null;
    }

    private sealed record Found(RefConn Conn, bool IsReply, bool IsTwin);
}
