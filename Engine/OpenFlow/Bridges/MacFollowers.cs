namespace Mergeflow.Engine.OpenFlow;

/// <summary>Tells who follows which learned addresses have changed, of all bridges of a datapath; each is told all of them.</summary>
internal sealed class MacFollowers
{
    private readonly Lock _lock = new();
    private readonly List<MacChanges> _followers = [];
    private long _changeCount;

    /// <summary>Moves when a forwarding decision may change.</summary>
    public ulong ChangeCount => (ulong)Volatile.Read(ref _changeCount);

    /// <summary>One more who wants to know which addresses have changed, from now on.</summary>
    /// <param name="capacity">Most addresses that are remembered.</param>
    public MacChanges Follow(int capacity)
    {
        lock (_lock)
        {
            MacChanges changes = new(_lock, capacity);
            _followers.Add(changes);
            return changes;
        }
    }

    /// <summary>An address has changed.</summary>
    public void Changed(MacKey key)
    {
        lock (_lock)
        {
            Volatile.Write(ref _changeCount, _changeCount + 1);
            foreach (MacChanges follower in _followers) follower.Add(key);
        }
    }
}
