namespace Mergeflow.Engine.OpenFlow;

/// <summary>How many rules have a <c>learn(delete_learned)</c> for a table and a cookie: when the last one goes, what was learned goes (OVS <c>struct learned_cookie</c>).</summary>
/// <remarks>Only used under the pipeline's lock. Actions inside of other actions do not count, as in Open vSwitch.</remarks>
internal sealed class LearnedCookies
{
    private readonly Dictionary<(byte Table, ulong Cookie), int> _counts = [];
    private readonly Queue<(byte Table, ulong Cookie)> _dead = new();

    /// <summary>A rule comes.</summary>
    public void Add(OfRule rule)
    {
        foreach (OfLearn learn in Of(rule)) _counts[(learn.Table, learn.Cookie)] = _counts.GetValueOrDefault((learn.Table, learn.Cookie)) + 1;
    }

    /// <summary>A rule goes.</summary>
    public void Remove(OfRule rule)
    {
        foreach (OfLearn learn in Of(rule))
        {
            (byte, ulong) key = (learn.Table, learn.Cookie);
            if (--_counts[key] > 0) continue;
            _counts.Remove(key);
            _dead.Enqueue(key);
        }
    }

    /// <summary>Takes out what nobody learns any more; false if there is nothing.</summary>
    public bool TryTakeDead(out (byte Table, ulong Cookie) key) => _dead.TryDequeue(out key);

    /// <summary>Counts anew.</summary>
    public void Recount(IEnumerable<OfRule> rules)
    {
        _counts.Clear();
        _dead.Clear();
        foreach (OfRule rule in rules) Add(rule);
    }

    private static IEnumerable<OfLearn> Of(OfRule rule)
        => rule.HasLearn ? rule.Actions.OfType<OfLearn>().Where(static l => l.Flags.HasFlag(OfLearnFlags.DeleteLearned)) : [];
}
