using System.Numerics;

namespace Mergeflow.Engine;

/// <content>Lookup with the least unwildcarding.</content>
internal sealed unsafe partial class TableIndex
{
    /// <summary>
    /// The rule that <paramref name="flow"/> matches, or null. Adds to <paramref name="wildcards"/> every bit the answer depends on:
    /// the winner's mask, and for each rule that would have come first enough bits to see that it does not match.
    /// </summary>
    /// <param name="flow">Working flow, <see cref="WordCount"/> words.</param>
    /// <param name="live">Bits of it that are still the packet's own; the others are known and cost nothing.</param>
    /// <param name="wildcards">Consulted bits of the packet.</param>
    /// <param name="scratch">Work space of the translator.</param>
    public OfRule? Lookup(ulong* flow, ulong* live, ulong* wildcards, LookupScratch scratch)
    {
        if (HasConjunctions) return LookupConjunctive(flow, live, wildcards, scratch);
        int best = FindBest(flow, out int home);
        if (home >= 0) Consult(_subtables[home], live, wildcards);
        if (best > 0) Exclude(flow, live, wildcards, best, home, scratch);
        return home >= 0 ? _rules[best] : null;
    }

    private static void Consult(Subtable s, ulong* live, ulong* wildcards)
    {
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        for (int i = 0; i < n; i++) wildcards[words[i]] |= masks[i] & live[words[i]];
    }

    /// <summary>Makes sure that no rule in front of position <paramref name="best"/> can match a packet that agrees on the consulted bits.</summary>
    private void Exclude(ulong* flow, ulong* live, ulong* wildcards, int best, int home, LookupScratch scratch)
    {
        scratch.Clear();
        Subtable[] subtables = _subtables;
        for (int t = 0; t < subtables.Length; t++)
        {
            Subtable s = subtables[t];
            if (s.First >= best) break;

            // The winner's own mask is consulted whole: its siblings differ in it.
            if (t == home) continue;
            if (s.Count > LookupScratch.WholeMaskRules)
            {
                Consult(s, live, wildcards);
                continue;
            }

            CollectUndecided(s, flow, live, wildcards, best, scratch);
        }

        if (scratch.Count > 0) scratch.Decide(flow, live, wildcards);
    }

    /// <summary>Remembers the rules of <paramref name="s"/> in front of <paramref name="best"/> that known bits do not rule out.</summary>
    private static void CollectUndecided(Subtable s, ulong* flow, ulong* live, ulong* wildcards, int best, LookupScratch scratch)
    {
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        ulong* value = s.Values;
        int* positions = s.Positions;
        int count = s.Count;
        ulong* want = stackalloc ulong[WordCount];
        ulong* known = stackalloc ulong[WordCount];
        for (int i = 0; i < n; i++)
        {
            int w = words[i];
            want[i] = flow[w] & masks[i];
            known[i] = (~live[w] | wildcards[w]) & masks[i];
        }

        for (int r = 0; r < count && positions[r] < best; r++, value += n)
        {
            ulong decided = 0;
            for (int i = 0; i < n; i++) decided |= (want[i] ^ value[i]) & known[i];
            if (decided == 0) scratch.Add(words, want, value, n);
        }
    }
}
