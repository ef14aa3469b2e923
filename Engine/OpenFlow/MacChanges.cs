namespace Mergeflow.Engine.OpenFlow;

/// <summary>Which addresses of a <see cref="MacTable"/> have changed since one of its followers last asked.</summary>
/// <param name="tableLock">The table's lock.</param>
/// <param name="capacity">Most addresses that are remembered.</param>
internal sealed class MacChanges(Lock tableLock, int capacity)
{
    private readonly HashSet<MacKey> _changed = [];
    private bool _tooMany;

    /// <summary>
    /// Moves the addresses that have changed since the last time to <paramref name="into"/>. False if they were more than are remembered: then any may
    /// have.
    /// </summary>
    public bool Take(List<MacKey> into)
    {
        lock (tableLock)
        {
            bool known = !_tooMany;
            into.AddRange(_changed);
            _changed.Clear();
            _tooMany = false;
            return known;
        }
    }

    /// <summary>An address has changed. Under the table's lock.</summary>
    public void Add(MacKey key)
    {
        if (_tooMany) return;
        _changed.Add(key);
        if (_changed.Count <= capacity) return;
        _changed.Clear();
        _tooMany = true;
    }
}
