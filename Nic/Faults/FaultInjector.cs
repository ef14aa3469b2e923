namespace Mergeflow.Nic;


/// <summary>Draws the faults of a plan, one request after the other.</summary>
internal sealed class FaultInjector(FaultPlan plan)
{
    private readonly long[] _resetsNs = plan.ResetsAtMs.Select(static ms => ms * 1_000_000).Order().ToArray();
    private readonly FaultWindow[] _freezes = [.. plan.CounterFreezes];
    private ulong _state = plan.Seed;
    private long _createCount;
    private int _nextReset;

    /// <summary>Whether this create is refused, and how.</summary>
    public FlowErrno NextCreate()
    {
        _createCount++;
        if (plan.RefuseEveryNthCreate > 0 && _createCount % plan.RefuseEveryNthCreate == 0) return FlowErrno.Io;
        if (plan.TableFullEveryNthCreate > 0 && _createCount % plan.TableFullEveryNthCreate == 0) return FlowErrno.NoSpace;
        return FlowErrno.None;
    }

    /// <summary>What becomes of this completion.</summary>
    public void NextCompletion(out long delayNs, out bool isLost, out bool isDoubled)
    {
        bool isLate = Draw() < plan.DelayCompletionChance;
        delayNs = (long)(Draw() * plan.DelayCompletionMaxMs * 1_000_000);
        if (!isLate) delayNs = 0;
        isLost = Draw() < plan.LoseCompletionChance;
        isDoubled = Draw() < plan.DuplicateCompletionChance;
    }

    /// <summary>When a request that is due at <paramref name="dueNs"/> is really carried out.</summary>
    public long AfterStalls(long dueNs)
    {
        for (int i = 0; i < plan.Stalls.Count; i++)
        {
            if (!plan.Stalls[i].Contains(dueNs)) continue;
            dueNs = plan.Stalls[i].EndNs;
            i = -1;
        }
        return dueNs;
    }

    /// <summary>True if counters are frozen at <paramref name="nowNs"/>; then <paramref name="sinceNs"/> is the instant they show.</summary>
    public bool IsFrozen(long nowNs, out long sinceNs)
    {
        sinceNs = nowNs;
        bool isFrozen = false;
        foreach (FaultWindow w in _freezes)
        {
            if (!w.Contains(nowNs)) continue;
            isFrozen = true;
            sinceNs = Math.Min(sinceNs, w.StartNs);
        }
        return isFrozen;
    }

    /// <summary>Whether <see cref="IsFrozen"/> can ever be true.</summary>
    public bool HasFreezes { get; } = plan.CounterFreezes.Count > 0;

    /// <summary>Next reset; <see cref="long.MaxValue"/> = none.</summary>
    public long NextResetNs => _nextReset < _resetsNs.Length ? _resetsNs[_nextReset] : long.MaxValue;

    /// <summary>Moves on to the reset after the next.</summary>
    public void PassReset() => _nextReset++;

    /// <summary>Uniform in 0 .. 1 (SplitMix64).</summary>
    private double Draw()
    {
        ulong z = _state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
