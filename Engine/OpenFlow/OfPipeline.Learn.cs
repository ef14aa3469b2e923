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
        // Table 254 is the switch's own: nothing is learned there, and nobody is told.
        if (rule.Table == 254) return true;
        lock (_lock)
        {
            LearnResult result = _modifier.Learn(rule, limit, nowMs);
            if (result == LearnResult.Changed) Publish(_tables.Noted);
            return result != LearnResult.OverLimit;
        }
    }

    /// <summary>A learned rule is there, as it was learned.</summary>
    internal bool Has(FlowMod rule)
    {
        lock (_lock) return _modifier.Has(rule);
    }

    /// <summary>A rule's timeouts become at most these, seconds; 0 = as they are (OVS <c>ofproto_rule_reduce_timeouts</c>).</summary>
    internal void ReduceTimeouts(OfRule rule, ushort idleSeconds, ushort hardSeconds)
    {
        if (!rule.IsLongerThan(idleSeconds, hardSeconds)) return;
        lock (_lock) _tables.ReduceTimeouts(rule, idleSeconds, hardSeconds);
    }
}
