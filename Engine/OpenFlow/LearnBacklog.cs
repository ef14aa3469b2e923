namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// What packets of one thread change in tables that somebody else is changing: a packet thread does not wait for an order of 100,000 rules. It is done in order as soon as the tables are free, as if the packets had come
/// behind that order. Bounded: what finds no room is counted, and learned with the next packets of its megaflow. For that thread alone.
/// </summary>
public sealed class LearnBacklog
{
    /// <summary>Changes that may wait.</summary>
    public const int Capacity = 1024;

    private readonly Queue<(OfPipeline Tables, FlowMod? Learned, uint Limit, FinTimeout Timeout, long AtMs)> _waiting = new();

    /// <summary>Changes that wait.</summary>
    public int Count => _waiting.Count;

    /// <summary>Changes that have had to wait.</summary>
    public ulong PutOff { get; private set; }

    /// <summary>Changes that found no room.</summary>
    public ulong Refused { get; private set; }

    /// <summary>As <see cref="OfPipeline.Learn"/>; true also if it is not known yet.</summary>
    public bool Learn(OfPipeline tables, FlowMod rule, uint limit, long nowMs)
    {
        if (_waiting.Count == 0 && tables.TryLearn(rule, limit, nowMs) is { } isThere) return isThere;
        Add((tables, rule, limit, default, nowMs));
        return true;
    }

    /// <summary>As <see cref="OfPipeline.ReduceTimeouts"/>.</summary>
    public void ReduceTimeouts(OfPipeline tables, in FinTimeout timeout)
    {
        if (!timeout.Rule.IsLongerThan(timeout.IdleSeconds, timeout.HardSeconds)) return;
        if (_waiting.Count == 0 && tables.TryReduceTimeouts(in timeout)) return;
        Add((tables, null, 0, timeout, 0));
    }

    /// <summary>Does what has waited for longest; false if nothing waits, or the tables are not free.</summary>
    public bool TryNext()
    {
        if (!_waiting.TryPeek(out (OfPipeline Tables, FlowMod? Learned, uint Limit, FinTimeout Timeout, long AtMs) next)) return false;
        bool isDone = next.Learned is { } rule ? next.Tables.TryLearn(rule, next.Limit, next.AtMs) is not null : next.Tables.TryReduceTimeouts(in next.Timeout);
        if (isDone) _waiting.Dequeue();
        return isDone;
    }

    private void Add((OfPipeline Tables, FlowMod? Learned, uint Limit, FinTimeout Timeout, long AtMs) change)
    {
        if (_waiting.Count >= Capacity)
        {
            Refused++;
            return;
        }

        PutOff++;
        _waiting.Enqueue(change);
    }
}
