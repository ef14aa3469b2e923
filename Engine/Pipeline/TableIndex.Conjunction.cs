namespace Mergeflow.Engine;

/// <content>Conjunctive matches (ovs-actions(7), <c>conjunction</c>).</content>
internal sealed unsafe partial class TableIndex
{
    /// <summary>
    /// Lookup in a table with <c>conjunction</c> rules: when clauses at the best priority complete a conjunction, the rule that matches its
    /// <c>conj_id</c> answers; otherwise the search goes on below that priority.
    /// </summary>
    private OfRule? LookupConjunctive(FlowView view, LookupScratch scratch)
    {
        scratch.Begin(Words, _words.Length);
        OfRule? answer = null;
        int at = 0;
        while (at < _rules.Length)
        {
            OfRule rule = _rules[at];
            if (!MatchesOrRemember(rule, view, scratch))
            {
                at++;
                continue;
            }

            ConsultRule(rule, view);
            if (rule.Conjunctions.Length == 0)
            {
                answer = rule;
                break;
            }

            at = ResolveConjunctions(at, view, scratch, out answer);
            if (answer is not null) break;
        }

        scratch.Decide(view);
        return answer;
    }

    /// <summary>Handles all rules at the priority of rule <paramref name="at"/>; returns the position behind them, or finds the answer.</summary>
    private int ResolveConjunctions(int at, FlowView view, LookupScratch scratch, out OfRule? answer)
    {
        int end = at;
        ushort priority = _rules[at].Priority;
        var clauses = new SortedDictionary<uint, (ulong Have, int Need)>();
        OfRule? hard = null;
        for (; end < _rules.Length && _rules[end].Priority == priority; end++)
        {
            OfRule rule = _rules[end];
            if (!MatchesOrRemember(rule, view, scratch)) continue;
            ConsultRule(rule, view);
            if (rule.Conjunctions.Length == 0) hard ??= rule;
            foreach (OfConjunction c in rule.Conjunctions)
            {
                clauses.TryGetValue(c.Id, out (ulong Have, int Need) old);
                clauses[c.Id] = (old.Have | (1UL << c.Clause), c.ClauseCount);
            }
        }

        answer = hard;
        if (hard is not null) return end;
        foreach ((uint id, (ulong have, int need)) in clauses)
        {
            if (have != (need == 64 ? ulong.MaxValue : (1UL << need) - 1)) continue;
            answer = LookupConjId(id, view, scratch);
            if (answer is not null) break;
        }

        return end;
    }

    private OfRule? LookupConjId(uint id, FlowView view, LookupScratch scratch)
    {
        uint* conjId = (uint*)((byte*)view.Flow + TranslatorLayout.ConjId);
        *conjId = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(id);
        OfRule? answer = null;
        foreach (OfRule rule in _rules)
        {
            if (rule.Conjunctions.Length > 0 || !MatchesOrRemember(rule, view, scratch)) continue;
            ConsultRule(rule, view);
            answer = rule;
            break;
        }

        // Rows of rules on conj_id are decided by it: it is a constant while the lookup lasts.
        scratch.Decide(view);
        *conjId = 0;
        return answer;
    }

    private bool MatchesOrRemember(OfRule rule, FlowView view, LookupScratch scratch)
    {
        ulong differs = 0;
        foreach (int w in _words) differs |= (view.Flow[w] ^ WordOf(ref rule.Match.Value, w)) & WordOf(ref rule.Match.Mask, w);
        if (differs == 0) return true;
        ulong* row = scratch.Add();
        for (int i = 0; i < _words.Length; i++)
        {
            int w = _words[i];
            row[i] = (view.Flow[w] ^ WordOf(ref rule.Match.Value, w)) & WordOf(ref rule.Match.Mask, w);
        }

        return false;
    }

    private static void ConsultRule(OfRule rule, FlowView view)
    {
        for (int w = 0; w < WordCount; w++) view.Consulted[w] |= WordOf(ref rule.Match.Mask, w) & view.Live[w];
    }
}
