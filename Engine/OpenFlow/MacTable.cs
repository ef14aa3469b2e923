namespace Mergeflow.Engine.OpenFlow;

/// <summary>MAC addresses that <c>normal</c> has learned, by VLAN (OVS lib/mac-learning.c), and which of them have changed.</summary>
/// <remarks>
/// Each entry is in two lists, least recently used first: that of all entries, for expiry, and that of its port. A full table makes room at the port with
/// the most entries (OVS <c>evict_mac_entry_fairly</c>): who floods it with addresses takes them from itself.
/// </remarks>
internal sealed class MacTable(int capacity, long agingMs, MacFollowers? followers = null, ushort bridge = 0)
{
    /// <summary>Never seen again, and never forgotten: an entry that somebody has set.</summary>
    private const long Never = long.MaxValue;

    private readonly Lock _lock = new();
    private int _capacity = capacity;
    private long _agingMs = agingMs;
    private int _staticCount;
    private MacStatistics _statistics;
    private readonly Dictionary<MacKey, Entry> _entries = [];
    private readonly LinkedList<Entry> _byAge = [];
    private readonly Dictionary<uint, LinkedList<Entry>> _byPort = [];
    private readonly MacFollowers _followers = followers ?? new MacFollowers();
    private long _changeCount;

    /// <summary>The entry that was removed last, for the next address: a full table removes one for each that it learns.</summary>
    private Entry? _spare;

    /// <summary>Moves when a forwarding decision may change.</summary>
    public ulong ChangeCount => (ulong)Volatile.Read(ref _changeCount);

    /// <summary>Learns; true if a forwarding decision may change.</summary>
    public bool Learn(ulong mac, ushort vid, uint port, long nowMs)
    {
        if ((mac & 0x0100_0000_0000) != 0) return false;
        lock (_lock)
        {
            var key = new MacKey(mac, vid);
            if (_entries.TryGetValue(key, out Entry? entry))
            {
                if (entry.IsStatic)
                {
                    if (entry.Port != port) _statistics.StaticNotMoved++;
                    return false;
                }

                Unlink(entry);
                bool moved = entry.Port != port;
                (entry.Port, entry.UsedMs) = (port, nowMs);
                Link(entry);
                if (moved)
                {
                    _statistics.Moved++;
                    Changed(key);
                }

                return moved;
            }

            if (!MakeRoom(nowMs)) return false;
            Add(key, port, nowMs);
            _statistics.Learned++;
            return true;
        }
    }

    /// <summary>Sets an entry that stays as it is (OVS <c>mac_learning_add_static_entry</c>); false if the table is full of such.</summary>
    /// <param name="key">Which.</param>
    /// <param name="port">The port behind it.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="before">The port that it had, and whether that was set; null = none.</param>
    public bool SetStatic(MacKey key, uint port, long nowMs, out (uint Port, bool IsStatic)? before)
    {
        lock (_lock)
        {
            before = null;
            if (_entries.TryGetValue(key, out Entry? entry))
            {
                before = (entry.Port, entry.IsStatic);
                Remove(entry);
            }

            if (!MakeRoom(nowMs)) return false;
            Add(key, port, Never);
            _staticCount++;
            return true;
        }
    }

    /// <summary>Takes an entry away that was set; false if there is none.</summary>
    public bool RemoveStatic(MacKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out Entry? entry) || !entry.IsStatic) return false;
            Remove(entry);
            return true;
        }
    }

    /// <summary>Forgets one address; false if it is not known.</summary>
    public bool Forget(MacKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out Entry? entry)) return false;
            Remove(entry);
            return true;
        }
    }

    /// <summary>From now on it has room for so many, and forgets after so long (OVS <c>other_config:mac-table-size</c>, <c>mac-aging-time</c>).</summary>
    public void Configure(int capacity, long agingMs)
    {
        lock (_lock)
        {
            (_capacity, _agingMs) = (capacity, agingMs);
            while (_entries.Count > _capacity && _byAge.First is { Value.IsStatic: false }) Evict();
        }
    }

    /// <summary>Counts anew; addresses stay (OVS <c>mac_learning_clear_statistics</c>).</summary>
    public void ClearStatistics()
    {
        lock (_lock) _statistics = new MacStatistics { StaticNotMoved = _statistics.StaticNotMoved };
    }

    /// <summary>What has happened since the table is there.</summary>
    public MacStatistics Statistics
    {
        get
        {
            lock (_lock) return _statistics with { Count = _entries.Count, Capacity = _capacity, StaticCount = _staticCount };
        }
    }

    /// <summary>The port behind an address, or null.</summary>
    public uint? Find(MacKey key, long nowMs)
    {
        lock (_lock)
        {
            return _entries.TryGetValue(key, out Entry? e) && (e.IsStatic || nowMs - e.UsedMs < _agingMs) ? e.Port : null;
        }
    }

    /// <summary>All learned addresses, with the port behind each and the time since it was seen, ms; those seen last come last.</summary>
    public IReadOnlyList<(LearnedSource Source, long AgeMs)> Entries(long nowMs)
    {
        lock (_lock) return [.. _byAge.Where(e => !e.IsStatic && nowMs - e.UsedMs < _agingMs).Select(e => (new LearnedSource(e.Key.Mac, e.Key.Vid, e.Port), nowMs - e.UsedMs))];
    }

    /// <summary>All addresses that somebody has set.</summary>
    public IReadOnlyList<LearnedSource> StaticEntries()
    {
        lock (_lock) return [.. _byAge.Where(static e => e.IsStatic).Select(static e => new LearnedSource(e.Key.Mac, e.Key.Vid, e.Port))];
    }

    /// <summary>Forgets what has not been seen for too long; true if that was anything.</summary>
    public bool Expire(long nowMs)
    {
        lock (_lock) return ForgetAged(nowMs);
    }

    /// <summary>Forgets what was learned on a port.</summary>
    public void Forget(uint port)
    {
        lock (_lock)
        {
            while (_byPort.TryGetValue(port, out LinkedList<Entry>? entries)) Remove(entries.First!.Value);
        }
    }

    /// <summary>Forgets everything that was learned (OVS <c>mac_learning_flush</c>).</summary>
    public void Flush()
    {
        lock (_lock)
        {
            while (_byAge.First is { Value.IsStatic: false } first) Remove(first.Value);
        }
    }

    /// <summary>What a translation has asked with may be answered otherwise now, though no address has changed.</summary>
    public void Touch(MacKey key)
    {
        lock (_lock) Changed(key);
    }

    private void Changed(MacKey key)
    {
        Volatile.Write(ref _changeCount, _changeCount + 1);
        _followers.Changed(key with { Bridge = bridge });
    }

    private bool ForgetAged(long nowMs)
    {
        bool any = false;
        while (_byAge.First is { Value.IsStatic: false } first && nowMs - first.Value.UsedMs >= _agingMs)
        {
            Remove(first.Value);
            _statistics.Expired++;
            any = true;
        }

        return any;
    }

    private void Evict()
    {
        LinkedList<Entry> most = _byAge;
        int count = 0;
        foreach (LinkedList<Entry> port in _byPort.Values)
        {
            if (port.Count > count && !port.First!.Value.IsStatic) (most, count) = (port, port.Count);
        }

        Remove(most.First!.Value);
        _statistics.Evicted++;
    }

    /// <summary>False if there is none: all entries are set.</summary>
    private bool MakeRoom(long nowMs)
    {
        if (_entries.Count >= _capacity) ForgetAged(nowMs);
        if (_entries.Count < _capacity) return true;
        if (_byAge.First is not { Value.IsStatic: false }) return false;
        Evict();
        return true;
    }

    private void Add(MacKey key, uint port, long usedMs)
    {
        Entry entry = _spare ?? new Entry();
        _spare = null;
        (entry.Key, entry.Port, entry.UsedMs) = (key, port, usedMs);
        _entries.Add(key, entry);
        Link(entry);
        Changed(key);
    }

    private void Remove(Entry entry)
    {
        Unlink(entry);
        if (entry.IsStatic) _staticCount--;
        _spare = entry;
        _entries.Remove(entry.Key);
        Changed(entry.Key);
    }

    private void Link(Entry entry)
    {
        // Time only moves forwards, so the end is the place: before those that are set, which are few.
        if (!_byPort.TryGetValue(entry.Port, out LinkedList<Entry>? port)) _byPort.Add(entry.Port, port = []);
        Append(_byAge, entry.InAge);
        Append(port, entry.InPort);
    }

    private static void Append(LinkedList<Entry> list, LinkedListNode<Entry> node)
    {
        LinkedListNode<Entry>? last = list.Last;
        if (!node.Value.IsStatic)
        {
            while (last is { Value.IsStatic: true }) last = last.Previous;
        }

        if (last is null) list.AddFirst(node);
        else list.AddAfter(last, node);
    }

    private void Unlink(Entry entry)
    {
        _byAge.Remove(entry.InAge);
        LinkedList<Entry> port = _byPort[entry.Port];
        port.Remove(entry.InPort);
        if (port.Count == 0) _byPort.Remove(entry.Port);
    }

    private sealed class Entry
    {
        public Entry()
        {
            InAge = new LinkedListNode<Entry>(this);
            InPort = new LinkedListNode<Entry>(this);
        }

        public MacKey Key { get; set; }

        public uint Port { get; set; }

        public long UsedMs { get; set; }

        public bool IsStatic => UsedMs == Never;

        public LinkedListNode<Entry> InAge { get; }

        public LinkedListNode<Entry> InPort { get; }
    }
}

/// <summary>An address that <c>normal</c> learns or looks up.</summary>
/// <param name="Mac">Ethernet address.</param>
/// <param name="Vid">VLAN, 0 for none.</param>
/// <param name="Bridge">Where it matters: number of the bridge in its datapath (<see cref="OfPipeline.Id"/>).</param>
public readonly record struct MacKey(ulong Mac, ushort Vid, ushort Bridge = 0);

/// <summary>A source address that <c>normal</c> learns from every packet of a megaflow (OVS <c>XC_NORMAL</c>).</summary>
/// <param name="Mac">Ethernet address.</param>
/// <param name="Vid">VLAN it was seen in, 0 for none.</param>
/// <param name="Port">Port it came from, as the rules saw it.</param>
public readonly record struct LearnedSource(ulong Mac, ushort Vid, uint Port);
