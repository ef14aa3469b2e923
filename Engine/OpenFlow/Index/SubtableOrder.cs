namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// The order in which Open vSwitch visits the subtables of a table (OVS <c>struct pvector</c>): by their best priority, and among equals as
/// additions and removals have left them, because removing one puts the last in its place before all are sorted.
/// </summary>
internal sealed class SubtableOrder
{
    private readonly Dictionary<MaskKey, Entry> _byMask = [];
    private List<Entry> _entries = [];

    /// <summary>The masks, first visited first.</summary>
    public IEnumerable<OfRule> Heads => _entries.Select(static e => e.Like);

    /// <summary>The same order, to go back to.</summary>
    public SubtableOrder Copy()
    {
        var copy = new SubtableOrder();
        foreach (Entry e in _entries) copy.Append(e.Like, e.Priority);
        return copy;
    }

    /// <summary>A rule was added that replaces no other.</summary>
    public void Add(OfRule rule)
    {
        if (!_byMask.TryGetValue(new MaskKey(rule), out Entry? entry)) Append(rule, rule.Priority);
        else if (rule.Priority > entry.Priority) entry.Priority = rule.Priority;
        else return;
        Sort();
    }

    /// <summary>Rules were removed at once; <paramref name="left"/> has those that stay.</summary>
    public void Remove(IReadOnlyList<OfRule> removed, RuleTable left)
    {
        foreach (OfRule rule in removed)
        {
            var mask = new MaskKey(rule);
            if (!_byMask.TryGetValue(mask, out Entry? entry)) continue;
            int best = left.BestPriority(rule);
            if (best >= 0)
            {
                entry.Priority = best;
                continue;
            }

            _byMask.Remove(mask);
            int at = _entries.IndexOf(entry);
            _entries[at] = _entries[^1];
            _entries.RemoveAt(_entries.Count - 1);
        }

        Sort();
    }

    private void Append(OfRule like, int priority)
    {
        var entry = new Entry(like, priority);
        _entries.Add(entry);
        _byMask.Add(new MaskKey(like), entry);
    }

    /// <summary>Equals keep their order.</summary>
    private void Sort()
    {
        for (int i = 1; i < _entries.Count; i++)
        {
            if (_entries[i].Priority <= _entries[i - 1].Priority) continue;
            _entries = [.. _entries.OrderByDescending(static e => e.Priority)];
            return;
        }
    }

    private sealed class Entry(OfRule like, int priority)
    {
        /// <summary>A rule with the mask.</summary>
        public OfRule Like { get; } = like;

        public int Priority { get; set; } = priority;
    }
}
