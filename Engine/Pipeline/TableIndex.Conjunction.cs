namespace Mergeflow.Engine;

/// <content>Conjunctive matches (ovs-actions(7), <c>conjunction</c>).</content>
internal sealed unsafe partial class TableIndex
{
    /// <summary>
    /// Lookup in a table with <c>conjunction</c> rules: when clauses at the best priority complete a conjunction, the rule that matches its
    /// <c>conj_id</c> answers; otherwise the search goes on below that priority.
    /// </summary>
    private OfRule? LookupConjunctive(ulong* flow, ulong* live, ulong* wildcards, LookupScratch scratch)
    {
        scratch.Clear();
        OfRule? answer = null;
        int at = 0;
        while (at < _rules.Length)
        {
            OfRule rule = _rules[at];
            if (!MatchesOrRemember(rule, flow, scratch))
            {
                at++;
                continue;
            }

            ConsultRule(rule, live, wildcards);
            if (rule.Conjunctions.Length == 0)
            {
                answer = rule;
                break;
            }

            at = ResolveConjunctions(at, flow, live, wildcards, scratch, out answer);
            if (answer is not null) break;
        }

        if (scratch.Count > 0) scratch.Decide(flow, live, wildcards);
        return answer;
    }

    /// <summary>Handles all rules at the priority of rule <paramref name="at"/>; returns the position behind them, or finds the answer.</summary>
    private int ResolveConjunctions(int at, ulong* flow, ulong* live, ulong* wildcards, LookupScratch scratch, out OfRule? answer)
    {
        int end = at;
        ushort priority = _rules[at].Priority;
        var clauses = new SortedDictionary<uint, (ulong Have, int Need)>();
        OfRule? hard = null;
        for (; end < _rules.Length && _rules[end].Priority == priority; end++)
        {
            OfRule rule = _rules[end];
            if (!MatchesOrRemember(rule, flow, scratch)) continue;
            ConsultRule(rule, live, wildcards);
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
            answer = LookupConjId(id, flow, live, wildcards, scratch);
            if (answer is not null) break;
        }

        return end;
    }

    private OfRule? LookupConjId(uint id, ulong* flow, ulong* live, ulong* wildcards, LookupScratch scratch)
    {
        uint* conjId = (uint*)((byte*)flow + TranslatorLayout.ConjId);
        *conjId = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(id);
        OfRule? answer = null;
        foreach (OfRule rule in _rules)
        {
            if (rule.Conjunctions.Length > 0 || !MatchesOrRemember(rule, flow, scratch)) continue;
            ConsultRule(rule, live, wildcards);
            answer = rule;
            break;
        }

        // Rows of rules on conj_id are decided by it: it is a constant while the lookup lasts.
        scratch.Decide(flow, live, wildcards);
        *conjId = 0;
        return answer;
    }

    private static bool MatchesOrRemember(OfRule rule, ulong* flow, LookupScratch scratch)
    {
        int* words = stackalloc int[WordCount];
        ulong* want = stackalloc ulong[WordCount];
        ulong* value = stackalloc ulong[WordCount];
        int n = 0;
        bool differs = false;
        for (int w = 0; w < WordCount; w++)
        {
            ulong mask = WordOf(ref rule.Match.Mask, w);
            if (mask == 0) continue;
            words[n] = w;
            want[n] = flow[w] & mask;
            value[n] = WordOf(ref rule.Match.Value, w);
            differs |= want[n] != value[n];
            n++;
        }

        if (differs) scratch.Add(words, want, value, n);
        return !differs;
    }

    private static void ConsultRule(OfRule rule, ulong* live, ulong* wildcards)
    {
        for (int w = 0; w < WordCount; w++) wildcards[w] |= WordOf(ref rule.Match.Mask, w) & live[w];
    }
}
