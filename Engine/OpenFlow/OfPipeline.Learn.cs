namespace Mergeflow.Engine.OpenFlow;

/// <content>What packets change in the tables: rules that <c>learn</c> adds, timeouts that <c>fin_timeout</c> shortens.</content>
public sealed partial class OfPipeline
{
    /// <summary>
    /// A packet adds a rule, or says that it is still wanted (OVS <c>ofproto_flow_mod_learn</c>). False if the table has as many rules with the cookie as
    /// <paramref name="limit"/> allows, 0 = any number.
    /// </summary>
    internal bool Learn(FlowMod rule, uint limit, long nowMs)
    {
        if (IsOwn(rule)) return true;
        lock (_lock) return LearnHere(rule, limit, nowMs);
    }

    /// <summary>The same for a thread that must not wait; null: somebody else is changing the tables.</summary>
    internal bool? TryLearn(FlowMod rule, uint limit, long nowMs)
    {
        if (IsOwn(rule)) return true;
        if (!_lock.TryEnter()) return null;
        try
        {
            return LearnHere(rule, limit, nowMs);
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Table 254 is the switch's own: nothing is learned there, and nobody is told.</summary>
    private static bool IsOwn(FlowMod rule) => rule.Table == 254;

    private bool LearnHere(FlowMod rule, uint limit, long nowMs)
    {
        LearnResult result = _modifier.Learn(rule, limit, nowMs);
        if (result == LearnResult.Changed) Publish(_tables.Noted);
        return result != LearnResult.OverLimit;
    }

    /// <summary>A learned rule is there, as it was learned; null: somebody is changing the tables.</summary>
    internal bool? Has(FlowMod rule)
    {
        if (!_lock.TryEnter()) return null;
        try
        {
            return _modifier.Has(rule);
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>A rule's timeouts become at most these, seconds; 0 = as they are (OVS <c>ofproto_rule_reduce_timeouts</c>).</summary>
    internal void ReduceTimeouts(OfRule rule, ushort idleSeconds, ushort hardSeconds)
    {
        if (!rule.IsLongerThan(idleSeconds, hardSeconds)) return;
        lock (_lock) _tables.ReduceTimeouts(rule, idleSeconds, hardSeconds);
    }

    /// <summary>The same for a thread that must not wait; false: somebody else is changing the tables.</summary>
    internal bool TryReduceTimeouts(in FinTimeout timeout)
    {
        if (!timeout.Rule.IsLongerThan(timeout.IdleSeconds, timeout.HardSeconds)) return true;
        if (!_lock.TryEnter()) return false;
        try
        {
            _tables.ReduceTimeouts(timeout.Rule, timeout.IdleSeconds, timeout.HardSeconds);
            return true;
        }
        finally
        {
            _lock.Exit();
        }
    }
}
