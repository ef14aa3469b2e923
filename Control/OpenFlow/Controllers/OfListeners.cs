namespace Mergeflow.Control.OpenFlow;

/// <summary>Those who listen to what is said with one controller (OVS <c>rconn_add_monitor</c>). For any thread; nobody waits for them.</summary>
internal sealed class OfListeners
{
    private const int MaxListeners = 8;

    private readonly Lock _lock = new();
    private volatile IOfSink[] _all = [];

    /// <summary>One more; false if there are enough.</summary>
    public bool Add(IOfSink listener)
    {
        lock (_lock)
        {
            if (_all.Length >= MaxListeners) return false;
            _all = [.. _all, listener];
            return true;
        }
    }

    /// <summary>One has gone.</summary>
    public void Remove(IOfSink listener)
    {
        lock (_lock) _all = [.. _all.Where(l => l != listener)];
    }

    /// <summary>Tells them of messages, whole ones.</summary>
    public void Tell(ReadOnlySpan<byte> messages)
    {
        foreach (IOfSink listener in _all) listener.TrySend(messages);
    }
}
