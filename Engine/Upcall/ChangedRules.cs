using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Upcall;

/// <summary>Rules that were changed: which megaflows would be translated in another way for it.</summary>
/// <remarks>
/// A megaflow's translation is the same as before if it did not look up the rule's table, or if the rule matches none of its packets: it wants another
/// value of a bit that all of them share (it is in the megaflow's mask) and that the translation showed to every table as it came. With that bit
/// known, a lookup finds the same rule and reads nothing more, with the changed rule and without it. Clauses of conjunctive matches change how a whole
/// table is searched, so there every visitor is looked at.
/// </remarks>
internal sealed class ChangedRules
{
    private readonly Entry[] _entries;

    public ChangedRules(RulesChange change, PipelineSnapshot tables)
    {
        _entries = new Entry[change.Rules.Count];
        for (int i = 0; i < _entries.Length; i++)
        {
            OfRule rule = change.Rules[i];
            _entries[i] = new Entry(rule, rule.Conjunctions.Length > 0 || tables.Tables[rule.Table] is { HasConjunctions: true });
        }
    }

    /// <summary>False: nothing changes for the megaflow, neither its program nor the rules it reports to.</summary>
    public bool MayConcern(Megaflow m)
    {
        foreach (Entry e in _entries)
        {
            if (m.Visited.Has(e.Table) && !e.ExcludesAll(m)) return true;
        }

        return false;
    }

    /// <summary>A table and a match in it.</summary>
    private sealed class Entry
    {
        /// <summary>Lanes of the key that the rule matches on; none if its match does not say whom it concerns.</summary>
        private readonly int[] _lanes;
        private Match _match;

        public Entry(OfRule rule, bool isConjunctive)
        {
            Table = rule.Table;
            _match = rule.Match;
            _lanes = isConjunctive ? [] : [.. Enumerable.Range(0, FlowKey.LaneCount).Where(i => FlowKey.Lane(ref _match.Mask.Key, i) != Vector256<byte>.Zero)];
        }

        public byte Table { get; }

        /// <summary>The rule matches no packet of the megaflow, whatever a table has seen of it.</summary>
        public bool ExcludesAll(Megaflow m)
        {
            foreach (int i in _lanes)
            {
                Vector256<byte> differs = FlowKey.Lane(ref _match.Mask.Key, i) & FlowKey.Lane(ref m.Mask, i) & (FlowKey.Lane(ref _match.Value.Key, i) ^ FlowKey.Lane(ref m.Value, i));
                if ((~Vector256.Equals(differs, Vector256<byte>.Zero).ExtractMostSignificantBits() & m.Visited.OwnBytes(i)) != 0) return true;
            }

            return false;
        }
    }
}
