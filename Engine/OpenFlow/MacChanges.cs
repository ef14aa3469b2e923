namespace Mergeflow.Engine.OpenFlow;

/// <summary>Which learned addresses have changed since a follower last asked (<see cref="MacFollowers"/>).</summary>
/// <param name="tableLock">Held by who adds.</param>
/// <param name="capacity">Most addresses that are remembered.</param>
internal sealed class MacChanges(Lock tableLock, int capacity)
{
    private readonly HashSet<MacKey> _changed = [];
    private bool _tooMany;

    /// <summary>The last <see cref="Take"/> has left some.</summary>
    public bool HasMore { get; private set; }

    /// <summary>
    /// Moves up to <paramref name="most"/> addresses that have changed since they were asked for to <paramref name="into"/>. False if they were more than are remembered: then any may
    /// have.
    /// </summary>
    public bool Take(List<MacKey> into, int most = int.MaxValue)
    {
        lock (tableLock)
        {
            bool known = !_tooMany;
            _tooMany = false;
            HasMore = _changed.Count > most;
            if (!HasMore)
            {
                into.AddRange(_changed);
                _changed.Clear();
                return known;
            }

            int from = into.Count;
            into.AddRange(_changed.Take(most));
            for (int i = from; i < into.Count; i++) _changed.Remove(into[i]);
            return known;
        }
    }

    /// <summary>An address has changed. Under the lock.</summary>
    public void Add(MacKey key)
    {
        if (_tooMany) return;
        _changed.Add(key);
        if (_changed.Count <= capacity) return;
        _changed.Clear();
        _tooMany = true;
    }
}
