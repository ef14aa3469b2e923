using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>How many rules a table takes, and which of them goes when one more comes (OVS <c>oftable_set_eviction_groups</c>, <c>choose_rule_to_evict</c>).</summary>
/// <param name="MaxRules">Rules that it takes.</param>
/// <param name="Evicts">A rule with a timeout makes room; false: what is too many is refused.</param>
/// <param name="Groups">Rules that have the same in these ranges are one group, and one of the largest group goes; none = all are one group.</param>
public sealed record TableLimit(int MaxRules, bool Evicts, EquatableList<Subfield> Groups)
{
    /// <summary>The rule that goes first: of the largest group the one of least importance, of these the one whose time is up first; null = none has a timeout.</summary>
    internal OfRule? Victim(IEnumerable<OfRule> rules)
    {
        IEnumerable<OfRule> evictable = rules.Where(static r => r.DueMs != long.MaxValue);
        if (Groups.Count > 0) evictable = evictable.GroupBy(GroupOf).MaxBy(static g => g.Count()) ?? Enumerable.Empty<OfRule>();
        return evictable.MinBy(static r => (r.Importance, r.DueMs));
    }

    private EquatableList<UInt128> GroupOf(OfRule rule)
    {
        Match match = rule.Match;
        return new EquatableList<UInt128>(Groups.Select(range => (range.Field.Get(ref match.Value) & MatchBits.Of(range)) >> range.Start));
    }
}
