using System.Buffers.Binary;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <content>Conjunctive matches as Open vSwitch looks for them (<c>classifier_lookup__</c>): every subtable that may matter is read before clauses are counted.</content>
internal sealed unsafe partial class StagedLookup
{
    /// <summary>The same in a table with <c>conjunction</c> rules.</summary>
    public OfRule? LookupConjunctive(FlowView view)
    {
        // A match that is no clause, and per subtable the best match that is one.
        OfRule? hard = null;
        List<(Subtable Table, int Rule)> soft = [];
        foreach (Subtable s in _subtables)
        {
            if (hard is not null && _rules[s.Members[0]].Priority <= hard.Priority) break;
            int match = Find(s, view);
            if (match < 0 || (hard is not null && _rules[match].Priority <= hard.Priority)) continue;
            Consult(s, view);
            if (_rules[match].Conjunctions.Length == 0) hard = _rules[match];
            else soft.Add((s, match));
        }

        while (true)
        {
            if (hard is not null) soft.RemoveAll(m => _rules[m.Rule].Priority <= hard.Priority);
            if (soft.Count == 0) return hard;
            int priority = soft.Max(m => _rules[m.Rule].Priority);
            if (Complete(soft, priority) is { } id && LookupPlain(id, view) is { } answer) return answer;

            // Behind a clause other rules with the same value may stand, at lower priorities.
            for (int i = soft.Count - 1; i >= 0; i--)
            {
                (Subtable s, int rule) = soft[i];
                if (_rules[rule].Priority != priority) continue;
                soft.RemoveAt(i);
                int next = NextOf(s, rule);
                if (next < 0 || (hard is not null && _rules[next].Priority <= hard.Priority)) continue;
                if (_rules[next].Conjunctions.Length == 0) hard = _rules[next];
                else soft.Add((s, next));
            }
        }
    }

    /// <summary>The conjunction whose clauses are all there at a priority, or null.</summary>
    private uint? Complete(List<(Subtable Table, int Rule)> soft, int priority)
    {
        SortedDictionary<uint, (ulong Have, int Need)> clauses = [];
        foreach ((_, int rule) in soft)
        {
            if (_rules[rule].Priority != priority) continue;
            foreach (OfConjunction c in _rules[rule].Conjunctions)
            {
                clauses.TryGetValue(c.Id, out (ulong Have, int Need) old);
                clauses[c.Id] = (old.Have | (1UL << c.Clause), c.ClauseCount);
            }
        }

        foreach ((uint id, (ulong have, int need)) in clauses)
        {
            if (have == (need == 64 ? ulong.MaxValue : (1UL << need) - 1)) return id;
        }

        return null;
    }

    /// <summary>The rule that the flow matches with a <c>conj_id</c>; clauses are none.</summary>
    private OfRule? LookupPlain(uint id, FlowView view)
    {
        uint* conjId = (uint*)((byte*)view.Flow + KeyLayout.ConjId);
        *conjId = BinaryPrimitives.ReverseEndianness(id);
        OfRule? best = null;
        foreach (Subtable s in _subtables)
        {
            if (best is not null && _rules[s.Members[0]].Priority <= best.Priority) break;
            int match = Find(s, view);
            if (match < 0 || (best is not null && _rules[match].Priority <= best.Priority)) continue;
            Consult(s, view);
            if (_rules[match].Conjunctions.Length == 0) best = _rules[match];
        }

        *conjId = 0;
        return best;
    }

    /// <summary>The next rule of a subtable with the value of another, or -1.</summary>
    private int NextOf(Subtable s, int rule)
    {
        foreach (int r in s.Members)
        {
            if (r > rule && Match.Same(in _rules[r].Match, in _rules[rule].Match)) return r;
        }

        return -1;
    }
}
