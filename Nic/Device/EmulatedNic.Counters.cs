namespace Mergeflow.Nic;


/// <content>Counters: readers see them as of the last refresh.</content>
public sealed unsafe partial class EmulatedNic
{
    private readonly Queue<NicEvent> _events = new();

    /// <inheritdoc/>
    public FlowError? Query(NicHandle handle, long nowNs, out NicCounters counters)
    {
        counters = new NicCounters(0, 0, -1);
        CatchUpWithReset(nowNs);
        if (!_rules.TryGetValue(handle.Value, out NicRule? rule))
        {
            return new FlowError(FlowErrno.NoEntry, FlowErrorType.Handle, $"no rule has handle {handle.Value}");
        }
        if (!rule.Compiled.Counts)
        {
            return new FlowError(FlowErrno.Invalid, FlowErrorType.Action, "the rule has no count action") { Subject = "count" };
        }
        counters = Describe(rule, nowNs).Counters;
        return null;
    }

    /// <inheritdoc/>
    public bool TryDequeueEvent(out NicEvent? e) => _events.TryDequeue(out e);

    /// <summary>Number of the refresh that is in force at <paramref name="nowNs"/>; -1 = counters are live.</summary>
    internal long RefreshEpoch(long nowNs)
    {
        bool isFrozen = false;
        if (_faults.HasFreezes) isFrozen = _faults.IsFrozen(nowNs, out nowNs);
        if (Profile.CounterRefreshNs != 0) return nowNs / Profile.CounterRefreshNs;
        return isFrozen ? nowNs : -1;
    }

    private NicRuleInfo Describe(NicRule rule, long nowNs)
    {
        long epoch = RefreshEpoch(nowNs);
        return new NicRuleInfo(rule.Handle, rule.UserData, epoch < 0 ? RuleBlock.Live(rule.Block) : RuleBlock.At(rule.Block, epoch));
    }

    /// <summary>Everything on the device is gone; requests under way fail.</summary>
    private void Reset(long atNs)
    {
        NicRuleInfo[] dead = _rules.Values.OrderBy(static r => r.Handle.Value).Select(r => Describe(r, atNs)).ToArray();
        foreach (NicRule rule in _rules.Values) RuleBlock.Free(rule.Block);
        _rules.Clear();
        _exactMatch.Clear();
        _wildcard.Clear();
        _events.Enqueue(new NicEvent(NicEventKind.Reset, atNs, dead));
        var error = new FlowError(FlowErrno.Reset, FlowErrorType.Unspecified, "the device was reset");
        while (_requests.TryDequeue(out NicRequest r))
        {
            Complete(new NicCompletion(r.Operation, r.Handle, r.UserData, new NicCounters(0, 0, -1), error), atNs);
        }
        _busyUntilNs = _lastDueNs = atNs;
    }
}
