namespace Mergeflow.Engine;

/// <summary>
/// Frozen translations by recirculation id (OVS ofproto-dpif-rid.c): hash-consed, so equal states share an id, and reference-counted.
/// Ids start at 1. A state without references stays resolvable for a grace period, because packets may be under way to it; if the same
/// state is needed again in that time it keeps its id.
/// </summary>
public sealed class RecircStore
{
    /// <summary>How long an unreferenced id can still be resolved, in ms.</summary>
    public const long GraceMs = 500;

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, FrozenState> _byId = [];
    private readonly Dictionary<ulong, FrozenState> _byHash = [];
    private uint _lastId;

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

    /// <summary>Takes one more reference; false if the id is unknown.</summary>
    public bool Acquire(uint id)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out FrozenState? state)) return false;
            state.References++;
            state.IdleSinceMs = -1;
            return true;
        }
    }

    /// <summary>Gives one reference back.</summary>
    /// <exception cref="InvalidOperationException">More releases than references.</exception>
    public void Release(uint id)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out FrozenState? state) || state.References == 0)
            {
                throw new InvalidOperationException($"recirc_id {id} is released more often than acquired");
            }

            state.References--;
        }
    }

    /// <summary>References on an id; 0 if it is unknown.</summary>
    public int References(uint id)
    {
        lock (_lock) return _byId.TryGetValue(id, out FrozenState? state) ? state.References : 0;
    }

    /// <summary>Forgets ids that have been without references for <see cref="GraceMs"/>; returns how many.</summary>
    public int Sweep(long nowMs)
    {
        lock (_lock)
        {
            List<FrozenState>? gone = null;
            foreach (FrozenState state in _byId.Values)
            {
                if (state.References > 0) continue;
                if (state.IdleSinceMs < 0) state.IdleSinceMs = nowMs;
                else if (nowMs - state.IdleSinceMs >= GraceMs) (gone ??= []).Add(state);
            }

            if (gone is null) return 0;
            foreach (FrozenState state in gone) Remove(state);
            return gone.Count;
        }
    }

    /// <summary>The state behind an id, or null.</summary>
    internal FrozenState? Find(uint id)
    {
        lock (_lock) return _byId.GetValueOrDefault(id);
    }

    /// <summary>The id of an equal state, or a new one, with a reference for the caller.</summary>
    internal uint Intern(ref FrozenView view)
    {
        ulong hash = view.Hash();
        lock (_lock)
        {
            _byHash.TryGetValue(hash, out FrozenState? head);
            for (FrozenState? s = head; s is not null; s = s.Next)
            {
                if (!view.Same(s)) continue;
                s.References++;
                s.IdleSinceMs = -1;
                return s.Id;
            }

            FrozenState state = view.Freeze();
            do
            {
                state.Id = ++_lastId;
            }
            while (state.Id == 0 || _byId.ContainsKey(state.Id));
            (state.Hash, state.References, state.Next) = (hash, 1, head);
            _byHash[hash] = state;
            _byId.Add(state.Id, state);
            return state.Id;
        }
    }

    private void Remove(FrozenState state)
    {
        _byId.Remove(state.Id);
        FrozenState head = _byHash[state.Hash];
        if (head == state)
        {
            if (state.Next is null) _byHash.Remove(state.Hash);
            else _byHash[state.Hash] = state.Next;
            return;
        }

        while (head.Next != state) head = head.Next!;
        head.Next = state.Next;
    }
}
