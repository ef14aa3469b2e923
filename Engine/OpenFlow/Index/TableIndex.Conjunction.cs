using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <content>Conjunctive matches (ovs-actions(7), <c>conjunction</c>).</content>
internal sealed unsafe partial class TableIndex
{
    private const ulong OrderInPriority = (1UL << 48) - 1;

    /// <summary>
    /// Lookup in a table with <c>conjunction</c> rules (OVS <c>classifier_lookup__</c>): when clauses at the best priority complete a conjunction, the
    /// rule that matches its <c>conj_id</c> answers; otherwise the search goes on below that priority. Every subtable is asked once; in each, rules
    /// with one value and different priorities form a chain.
    /// </summary>
    private OfRule? LookupConjunctive(FlowView view, LookupScratch scratch)
    {
        scratch.Begin(WordsPointer, _words.Length);
        Visit(view, scratch.Visited);
        OfRule? answer = null;
        ulong from = 0;
        while (true)
        {
            ulong best = Best(scratch.Visited, out OfRule? rule);
            if (rule is { Conjunctions.Length: 0 })
            {
                answer = rule;
                Consult(scratch.Visited, view, best);
                if (best > 0) ExcludeOthers(view, from, best - 1, scratch);
                break;
            }

            // Above the next priority everything counts, behind the last match as well.
            ulong to = best | OrderInPriority;
            if (rule is null)
            {
                ExcludeOthers(view, from, to, scratch);
                break;
            }

            answer = ResolveConjunctions(view, from, to, scratch);
            if (answer is not null || to == ulong.MaxValue) break;
            from = to + 1;
        }

        scratch.Decide(view);
        return answer;
    }

    /// <summary>Finds the best match in each subtable that may matter: a rule that is no clause ends the search at its priority.</summary>
    private void Visit(FlowView view, List<VisitedSubtable> visited)
    {
        visited.Clear();
        ulong end = ulong.MaxValue;
        foreach (Subtable s in _subtables)
        {
            if (s.First > end) break;
            RulePlace found = s.Find(view.Flow);
            _work.RulesCompared++;
            visited.Add(new VisitedSubtable(s, found));
            for (RulePlace r = found; !r.IsNone; r = r.Next)
            {
                if (r.Rule.Conjunctions.Length > 0) continue;
                end = Math.Min(end, r.Rule.Precedence | OrderInPriority);
                break;
            }
        }
    }

    private static ulong Best(List<VisitedSubtable> visited, out OfRule? rule)
    {
        ulong best = ulong.MaxValue;
        rule = null;
        foreach ((_, RulePlace r, _) in visited)
        {
            if (r.IsNone) continue;
            OfRule candidate = r.Rule;
            if (rule is null || candidate.Precedence < best) (best, rule) = (candidate.Precedence, candidate);
        }

        return best;
    }

    /// <summary>Consults the mask of the match whose precedence is <paramref name="precedence"/>.</summary>
    private static void Consult(List<VisitedSubtable> visited, FlowView view, ulong precedence)
    {
        for (int i = 0; i < visited.Count; i++)
        {
            (Subtable s, RulePlace r, _) = visited[i];
            if (r.IsNone || r.Rule.Precedence != precedence) continue;
            Consult(s, view);
            visited[i] = new VisitedSubtable(s, r, IsConsulted: true);
        }
    }

    /// <summary>
    /// Rules out the members, from one precedence to another, of subtables whose masks have not been consulted: of these no such rule matches.
    /// Where the mask has been consulted, other members differ in it.
    /// </summary>
    private void ExcludeOthers(FlowView view, ulong from, ulong to, LookupScratch scratch)
    {
        foreach (VisitedSubtable v in scratch.Visited)
        {
            if (!v.IsConsulted && v.Table.First <= to) ExcludeMembers(v.Table, view, from, to, scratch);
        }
    }

    /// <summary>Handles the matches down to precedence <paramref name="to"/>, which are of one priority, and takes them off; returns the answer or null.</summary>
    private OfRule? ResolveConjunctions(FlowView view, ulong from, ulong to, LookupScratch scratch)
    {
        var clauses = new SortedDictionary<uint, (ulong Have, int Need)>();
        OfRule? hard = null;
        List<VisitedSubtable> visited = scratch.Visited;
        for (int i = 0; i < visited.Count; i++)
        {
            (Subtable s, RulePlace r, _) = visited[i];
            if (r.IsNone || r.Rule.Precedence > to) continue;
            Consult(s, view);
            OfRule rule = r.Rule;
            visited[i] = new VisitedSubtable(s, r.Next, IsConsulted: true);
            if (rule.Conjunctions.Length == 0 && (hard is null || rule.Precedence < hard.Precedence)) hard = rule;
            foreach (OfConjunction c in rule.Conjunctions)
            {
                clauses.TryGetValue(c.Id, out (ulong Have, int Need) old);
                clauses[c.Id] = (old.Have | (1UL << c.Clause), c.ClauseCount);
            }
        }

        ExcludeOthers(view, from, to, scratch);
        if (hard is not null) return hard;
        foreach ((uint id, (ulong have, int need)) in clauses)
        {
            if (have != (need == 64 ? ulong.MaxValue : (1UL << need) - 1)) continue;
            if (LookupConjId(id, view, scratch) is { } answer) return answer;
        }

        return null;
    }

    private OfRule? LookupConjId(uint id, FlowView view, LookupScratch scratch)
    {
        uint* conjId = (uint*)((byte*)view.Flow + KeyLayout.ConjId);
        *conjId = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(id);
        ulong best = ulong.MaxValue;
        Subtable? home = null;
        OfRule? answer = null;
        foreach (Subtable s in _subtables)
        {
            if (s.First > best) break;
            if (!s.HasPlain) continue;
            _work.RulesCompared++;
            RulePlace r = s.Find(view.Flow);
            while (!r.IsNone && r.Rule.Conjunctions.Length > 0) r = r.Next;
            if (!r.IsNone && r.Rule.Precedence < best) (best, home, answer) = (r.Rule.Precedence, s, r.Rule);
        }

        if (home is not null) Consult(home, view);
        foreach (Subtable s in _subtables)
        {
            if (s.First >= best) break;
            if (s != home && s.HasPlain) ExcludeMembers(s, view, 0, best - 1, scratch, plainOnly: true);
        }

        // Rows of rules on conj_id are decided by it: it is a constant while the lookup lasts.
        scratch.Decide(view);
        *conjId = 0;
        return answer;
    }
}
