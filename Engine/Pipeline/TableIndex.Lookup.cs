using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine;

/// <content>Lookup with the least unwildcarding.</content>
internal sealed unsafe partial class TableIndex
{
    /// <summary>
    /// The rule that the flow matches, or null. Adds every bit the answer depends on to the view: the winner's mask, and for each rule that
    /// would have come first enough bits to see that it does not match.
    /// </summary>
    /// <param name="view">The flow.</param>
    /// <param name="scratch">Work space.</param>
    /// <param name="staged">Read as much as Open vSwitch, whatever <see cref="IsStaged"/> says.</param>
    public OfRule? Lookup(FlowView view, LookupScratch scratch, bool staged = false)
    {
        if (HasConjunctions) return LookupConjunctive(view, scratch);
        if (staged || IsStaged) return _staged.Value.Lookup(view);
        if (_flat is not null) return LookupFlat(_flat, view, scratch);
        int best = FindBest(view.Flow, out int home);
        if (home >= 0) Consult(_subtables[home], view);
        if (best > 0) Exclude(view, best, home, scratch);
        return home >= 0 ? _rules[best] : null;
    }

    private OfRule? LookupFlat(FlatRules flat, FlowView view, LookupScratch scratch)
    {
        scratch.Begin(Words, _words.Length);
        int best = flat.Find(view, _rules.Length, scratch);
        scratch.Decide(view);
        return best < _rules.Length ? _rules[best] : null;
    }

    private static void Consult(Subtable s, FlowView view)
    {
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        for (int i = 0; i < n; i++) view.Consulted[words[i]] |= masks[i] & view.Live[words[i]];
    }

    /// <summary>Makes sure that no rule in front of position <paramref name="best"/> can match a packet that agrees on the consulted bits.</summary>
    private void Exclude(FlowView view, int best, int home, LookupScratch scratch)
    {
        scratch.Begin(Words, _words.Length);
        Subtable[] subtables = _subtables;
        for (int t = 0; t < subtables.Length; t++)
        {
            Subtable s = subtables[t];
            if (s.First >= best) break;

            // The winner's own mask is consulted whole: its siblings differ in it.
            if (t == home) continue;
            if (s.Count > LookupScratch.WholeMaskRules) ExcludeWhole(s, view);
            else CollectUndecided(s, view, best, scratch);
        }

        scratch.Decide(view);
    }

    private static void ExcludeWhole(Subtable s, FlowView view)
    {
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        for (int i = 0; i < n; i++) view.Excluded[words[i]] |= masks[i] & view.Live[words[i]] & ~view.Consulted[words[i]];
    }

    /// <summary>Remembers the rules of <paramref name="s"/> in front of <paramref name="best"/> that known bits do not rule out.</summary>
    [SkipLocalsInit]
    private void CollectUndecided(Subtable s, FlowView view, int best, LookupScratch scratch)
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
            want[i] = view.Flow[w] & masks[i];
            known[i] = view.Known(w) & masks[i];
        }

        for (int r = 0; r < count && positions[r] < best; r++, value += n)
        {
            ulong decided = 0;
            for (int i = 0; i < n; i++) decided |= (want[i] ^ value[i]) & known[i];
            if (decided != 0) continue;
            ulong* row = scratch.Add();
            for (int i = 0; i < n; i++) row[_slots[words[i]]] = want[i] ^ value[i];
        }
    }

    private int* Words => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_words));
}
