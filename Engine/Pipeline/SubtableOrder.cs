namespace Mergeflow.Engine;

/// <summary>
/// The order in which Open vSwitch visits the subtables of a table (OVS <c>struct pvector</c>): by their best priority, and among equals as
/// additions and removals have left them, because removing one puts the last in its place before all are sorted.
/// </summary>
internal sealed class SubtableOrder
{
    private List<Entry> _entries = [];

    /// <summary>The masks, first visited first.</summary>
    public IEnumerable<OfRule> Heads => _entries.Select(static e => e.Like);

    /// <summary>The same order, to go back to.</summary>
    public SubtableOrder Copy() => new() { _entries = [.. _entries.Select(static e => new Entry(e.Like, e.Priority))] };

    /// <summary>A rule was added that replaces no other.</summary>
    public void Add(OfRule rule)
    {
        Entry? entry = Find(rule);
        if (entry is null) _entries.Add(new Entry(rule, rule.Priority));
        else entry.Priority = Math.Max(entry.Priority, rule.Priority);
        Sort();
    }

    /// <summary>Rules were removed at once; <paramref name="left"/> are those that stay.</summary>
    public void Remove(IReadOnlyList<OfRule> removed, IReadOnlyList<OfRule> left)
    {
        foreach (OfRule rule in removed)
        {
            Entry? entry = Find(rule);
            if (entry is null) continue;
            int best = left.Where(r => SameMask(r, rule)).Select(static r => (int)r.Priority).DefaultIfEmpty(-1).Max();
            if (best >= 0)
            {
                entry.Priority = best;
                continue;
            }

            int at = _entries.IndexOf(entry);
            _entries[at] = _entries[^1];
            _entries.RemoveAt(_entries.Count - 1);
        }

        Sort();
    }

    private static bool SameMask(OfRule a, OfRule b) => a.Match.Mask.Bytes.SequenceEqual(b.Match.Mask.Bytes);

    private Entry? Find(OfRule rule) => _entries.Find(e => SameMask(e.Like, rule));

    /// <summary>Equals keep their order.</summary>
    private void Sort() => _entries = [.. _entries.OrderByDescending(static e => e.Priority)];

    private sealed class Entry(OfRule like, int priority)
    {
        /// <summary>A rule with the mask.</summary>
        public OfRule Like { get; } = like;

        public int Priority { get; set; } = priority;
    }
}
