using System.Runtime.CompilerServices;
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
    /// <summary>Rules from which on all megaflows are looked at; as many as <see cref="_anyone"/> has bits.</summary>
    private const int MostRules = 64;

    /// <summary>The match of a rule of which it cannot be said whom it concerns.</summary>
    private static FlowKey s_any;

    private readonly List<OfRule> _rules = [];

    /// <summary>Number of the bridge of each.</summary>
    private readonly List<ushort> _bridges = [];

    /// <summary>Bit i: rule i may concern whatever looked its table up.</summary>
    private ulong _anyone;

    private ChangedRules()
    {
    }

    /// <summary>The rules of all bridges that have changed since a version of the tables; null = that cannot be said, or there are too many.</summary>
    public static ChangedRules? Since(ulong version, PipelineBacker backer)
    {
        ChangedRules changed = new();
        ulong latest = 0;
        foreach (OfPipeline bridge in backer.Pipelines)
        {
            PipelineSnapshot tables = bridge.Snapshot;
            latest = Math.Max(latest, tables.Version);
            if (!changed.Add(version, bridge.Id, tables)) return null;
        }

        // Something has changed that is in no bridge's tables: one has gone.
        return latest < backer.Version ? null : changed;
    }

    private bool Add(ulong version, ushort bridge, PipelineSnapshot tables)
    {
        ulong to = tables.Version;
        for (RulesChange? change = tables.Change; to > version; to = change.From, change = change.Previous)
        {
            if (change is null || _rules.Count + change.Rules.Count > MostRules) return false;
            foreach (OfRule rule in change.Rules)
            {
                if (rule.Conjunctions.Length > 0 || tables.Table(rule.Table) is { HasConjunctions: true }) _anyone |= 1UL << _rules.Count;
                _rules.Add(rule);
                _bridges.Add(bridge);
            }
        }

        return true;
    }

    /// <summary>False: nothing changes for the megaflow, neither its program nor the rules it reports to.</summary>
    public bool MayConcern(Megaflow m)
    {
        if (m.Class.Class is not { } c) return true;
        for (int i = 0; i < _rules.Count; i++)
        {
            if (c.MayConcern(_bridges[i], _rules[i].Table, ref MaskOf(i), ref ValueOf(i), m)) return true;
        }

        return false;
    }

    /// <summary>Adds the megaflows that have to be looked at; false if these are more than <paramref name="most"/>, or it cannot be said yet which they are.</summary>
    public bool Find(MegaflowClasses classes, int most, HashSet<Megaflow> found)
    {
        for (int i = 0; i < _rules.Count; i++)
        {
            if (!classes.Find(_bridges[i], _rules[i].Table, ref MaskOf(i), ref ValueOf(i), most, found)) return false;
        }

        return true;
    }

    private ref FlowKey MaskOf(int i) => ref (_anyone >> i & 1) != 0 ? ref s_any : ref Unsafe.AsRef(in _rules[i].Match.Mask.Key);

    private ref FlowKey ValueOf(int i) => ref (_anyone >> i & 1) != 0 ? ref s_any : ref Unsafe.AsRef(in _rules[i].Match.Value.Key);
}
