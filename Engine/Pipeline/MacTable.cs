namespace Mergeflow.Engine;

/// <summary>MAC addresses that <c>normal</c> has learned, by VLAN (OVS lib/mac-learning.c).</summary>
internal sealed class MacTable(int capacity, long agingMs)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ulong Mac, ushort Vid), (uint Port, long UsedMs)> _entries = [];

    /// <summary>No entry is due before this time.</summary>
    private long _nextDueMs = long.MaxValue;

    /// <summary>Learns; true if a forwarding decision may change.</summary>
    public bool Learn(ulong mac, ushort vid, uint port, long nowMs)
    {
        if ((mac & 0x0100_0000_0000) != 0) return false;
        lock (_lock)
        {
            _nextDueMs = Math.Min(_nextDueMs, nowMs + agingMs);
            if (_entries.TryGetValue((mac, vid), out (uint Port, long UsedMs) old))
            {
                _entries[(mac, vid)] = (port, nowMs);
                return old.Port != port;
            }

            if (_entries.Count >= capacity) Evict(nowMs);
            _entries[(mac, vid)] = (port, nowMs);
            return true;
        }
    }

    /// <summary>The port behind an address, or null.</summary>
    public uint? Find(ulong mac, ushort vid, long nowMs)
    {
        lock (_lock)
        {
            return _entries.TryGetValue((mac, vid), out (uint Port, long UsedMs) e) && nowMs - e.UsedMs < agingMs ? e.Port : null;
        }
    }

    /// <summary>Forgets what has not been seen for too long; true if that was anything.</summary>
    public bool Expire(long nowMs)
    {
        if (nowMs < Volatile.Read(ref _nextDueMs)) return false;
        lock (_lock)
        {
            int before = _entries.Count;
            ForgetAged(nowMs);
            _nextDueMs = _entries.Count == 0 ? long.MaxValue : _entries.Values.Min(static e => e.UsedMs) + agingMs;
            return _entries.Count < before;
        }
    }

    /// <summary>Forgets what was learned on a port.</summary>
    public void Forget(uint port)
    {
        lock (_lock)
        {
            foreach (var key in _entries.Where(e => e.Value.Port == port).Select(static e => e.Key).ToList()) _entries.Remove(key);
        }
    }

    /// <summary>Makes room: all aged entries, or else the least recently used one.</summary>
    private void Evict(long nowMs)
    {
        ForgetAged(nowMs);
        if (_entries.Count >= capacity) _entries.Remove(_entries.MinBy(static e => e.Value.UsedMs).Key);
    }

    private void ForgetAged(long nowMs)
    {
        foreach (var key in _entries.Where(e => nowMs - e.Value.UsedMs >= agingMs).Select(static e => e.Key).ToList()) _entries.Remove(key);
    }
}
