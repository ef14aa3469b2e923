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
    /// <summary>Rules from which on all megaflows are looked at.</summary>
    private const int MostRules = 64;

    private readonly Entry[] _entries;

    private ChangedRules(List<OfRule> rules, PipelineSnapshot tables)
        => _entries = [.. rules.Select(r => new Entry(r, r.Conjunctions.Length > 0 || tables.Tables[r.Table] is { HasConjunctions: true }))];

    /// <summary>The rules that have changed since a version of the tables; null = that cannot be said, or there are too many.</summary>
    public static ChangedRules? Since(ulong version, PipelineSnapshot tables)
    {
        List<OfRule> rules = [];
        ulong to = tables.Version;
        for (RulesChange? change = tables.Change; to != version; to = change.From, change = change.Previous)
        {
            if (change is null || rules.Count + change.Rules.Count > MostRules) return null;
            rules.AddRange(change.Rules);
        }

        return new ChangedRules(rules, tables);
    }

    /// <summary>False: nothing changes for the megaflow, neither its program nor the rules it reports to.</summary>
    public bool MayConcern(Megaflow m)
    {
        if (m.Class.Class is not { } c) return true;
        foreach (Entry e in _entries)
        {
            if (c.MayConcern(e.Table, ref e.Mask, ref e.Value, m)) return true;
        }

        return false;
    }

    /// <summary>Adds the megaflows that have to be looked at; false if these are more than <paramref name="most"/>, or it cannot be said yet which they are.</summary>
    public bool Find(MegaflowClasses classes, int most, HashSet<Megaflow> found)
    {
        foreach (Entry e in _entries)
        {
            if (!classes.Find(e.Table, ref e.Mask, ref e.Value, most, found)) return false;
        }

        return true;
    }

    /// <summary>A table and a match in it, zero if that does not say whom the rule concerns.</summary>
    private sealed class Entry
    {
        public FlowKey Mask;
        public FlowKey Value;

        public Entry(OfRule rule, bool isConjunctive)
        {
            Table = rule.Table;
            if (isConjunctive) return;
            Match match = rule.Match;
            (Mask, Value) = (match.Mask.Key, match.Value.Key);
        }

        public byte Table { get; }
    }
}
