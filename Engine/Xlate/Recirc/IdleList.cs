namespace Mergeflow.Engine.Xlate;

/// <summary>
/// Frozen states that nobody refers to, in the order in which that happened. Those in front of <see cref="_unseen"/> have been seen by a sweep and carry its
/// time; a state that is needed again leaves from wherever it stands.
/// </summary>
internal sealed class IdleList
{
    private FrozenState? _first;
    private FrozenState? _last;
    private FrozenState? _unseen;

    /// <summary>Idle states.</summary>
    public int Count { get; private set; }

    /// <summary>No state is idle.</summary>
    public bool IsEmpty => _first is null;

    /// <summary>The next one that no sweep has seen, or null.</summary>
    public FrozenState? Unseen => _unseen;

    /// <summary>The one that has been idle longest, if a sweep has seen it.</summary>
    public FrozenState? Oldest => _first == _unseen ? null : _first;

    public void Add(FrozenState state)
    {
        (state.IdlePrevious, state.IdleNext) = (_last, null);
        if (_last is null) _first = state;
        else _last.IdleNext = state;
        _last = state;
        _unseen ??= state;
        Count++;
    }

    public void Remove(FrozenState state)
    {
        if (_unseen == state) _unseen = state.IdleNext;
        if (state.IdlePrevious is null) _first = state.IdleNext;
        else state.IdlePrevious.IdleNext = state.IdleNext;
        if (state.IdleNext is null) _last = state.IdlePrevious;
        else state.IdleNext.IdlePrevious = state.IdlePrevious;
        (state.IdlePrevious, state.IdleNext) = (null, null);
        Count--;
    }

    /// <summary>A sweep has seen <see cref="Unseen"/>.</summary>
    public void See(long nowMs, ulong round)
    {
        (_unseen!.IdleSinceMs, _unseen.IdleRound) = (nowMs, round);
        _unseen = _unseen.IdleNext;
    }

    /// <summary>The times mean nothing any more: all count as not seen.</summary>
    public void ForgetTimes() => _unseen = _first;
}
