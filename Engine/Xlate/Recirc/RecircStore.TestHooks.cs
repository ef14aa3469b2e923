namespace Mergeflow.Engine.Xlate;

/// <remarks>What only tests look at.</remarks>
public sealed partial class RecircStore
{
    /// <summary>For tests: the id given last.</summary>
    internal uint LastId
    {
        set => _lastId = value;
    }

    /// <summary>Number of ids that can be resolved.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _byId.Count;
        }
    }

    /// <summary>Number of ids that somebody refers to.</summary>
    public int ReferencedCount
    {
        get
        {
            lock (_lock) return _byId.Values.Count(static s => s.References > 0);
        }
    }

    /// <summary>References on an id; 0 if it is unknown.</summary>
    public int References(uint id)
    {
        lock (_lock) return _byId.TryGetValue(id, out FrozenState? state) ? state.References : 0;
    }
}
