namespace Mergeflow.Engine.OpenFlow;

/// <summary>MAC addresses that <c>normal</c> has learned, by VLAN (OVS lib/mac-learning.c), and which of them have changed.</summary>
/// <remarks>
/// Each entry is in two lists, least recently used first: that of all entries, for expiry, and that of its port. A full table makes room at the port with
/// the most entries (OVS <c>evict_mac_entry_fairly</c>): who floods it with addresses takes them from itself.
/// </remarks>
internal sealed class MacTable(int capacity, long agingMs)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<MacKey, Entry> _entries = [];
    private readonly LinkedList<Entry> _byAge = [];
    private readonly Dictionary<uint, LinkedList<Entry>> _byPort = [];
    private readonly List<MacChanges> _followers = [];
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
                Unlink(entry);
                bool moved = entry.Port != port;
                (entry.Port, entry.UsedMs) = (port, nowMs);
                Link(entry);
                if (moved) Changed(key);
                return moved;
            }

            if (_entries.Count >= capacity)
            {
                ForgetAged(nowMs);
                if (_entries.Count >= capacity) Evict();
            }

            entry = _spare ?? new Entry();
            _spare = null;
            (entry.Key, entry.Port, entry.UsedMs) = (key, port, nowMs);
            _entries.Add(key, entry);
            Link(entry);
            Changed(key);
            return true;
        }
    }

    /// <summary>The port behind an address, or null.</summary>
    public uint? Find(MacKey key, long nowMs)
    {
        lock (_lock)
        {
            return _entries.TryGetValue(key, out Entry? e) && nowMs - e.UsedMs < agingMs ? e.Port : null;
        }
    }

    /// <summary>All addresses, with the port behind each and the time since it was seen, ms; those seen last come last.</summary>
    public IReadOnlyList<(LearnedSource Source, long AgeMs)> Entries(long nowMs)
    {
        lock (_lock) return [.. _byAge.Where(e => nowMs - e.UsedMs < agingMs).Select(e => (new LearnedSource(e.Key.Mac, e.Key.Vid, e.Port), nowMs - e.UsedMs))];
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

    /// <summary>Forgets everything (OVS <c>mac_learning_flush</c>).</summary>
    public void Flush()
    {
        lock (_lock)
        {
            while (_byAge.First is { } first) Remove(first.Value);
        }
    }

    /// <summary>One more who wants to know which addresses have changed, from now on; each is told all of them.</summary>
    public MacChanges Follow()
    {
        lock (_lock)
        {
            var changes = new MacChanges(_lock, 2 * capacity);
            _followers.Add(changes);
            return changes;
        }
    }

    private void Changed(MacKey key)
    {
        Volatile.Write(ref _changeCount, _changeCount + 1);
        foreach (MacChanges follower in _followers) follower.Add(key);
    }

    private bool ForgetAged(long nowMs)
    {
        bool any = false;
        while (_byAge.First is { } first && nowMs - first.Value.UsedMs >= agingMs)
        {
            Remove(first.Value);
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
            if (port.Count > count) (most, count) = (port, port.Count);
        }

        Remove(most.First!.Value);
    }

    private void Remove(Entry entry)
    {
        Unlink(entry);
        _spare = entry;
        _entries.Remove(entry.Key);
        Changed(entry.Key);
    }

    private void Link(Entry entry)
    {
        // Time only moves forwards, so the end is the place.
        _byAge.AddLast(entry.InAge);
        if (!_byPort.TryGetValue(entry.Port, out LinkedList<Entry>? port)) _byPort.Add(entry.Port, port = []);
        port.AddLast(entry.InPort);
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

        public LinkedListNode<Entry> InAge { get; }

        public LinkedListNode<Entry> InPort { get; }
    }
}

/// <summary>An address that <c>normal</c> learns or looks up.</summary>
/// <param name="Mac">Ethernet address.</param>
/// <param name="Vid">VLAN, 0 for none.</param>
public readonly record struct MacKey(ulong Mac, ushort Vid);

/// <summary>A source address that <c>normal</c> learns from every packet of a megaflow (OVS <c>XC_NORMAL</c>).</summary>
/// <param name="Mac">Ethernet address.</param>
/// <param name="Vid">VLAN it was seen in, 0 for none.</param>
/// <param name="Port">Port it came from, as the rules saw it.</param>
public readonly record struct LearnedSource(ulong Mac, ushort Vid, uint Port);
