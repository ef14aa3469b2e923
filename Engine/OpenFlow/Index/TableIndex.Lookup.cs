using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine.OpenFlow;

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
        if (staged || IsStaged) return Staged.Lookup(view);
        if (_isFlat) return LookupFlat(Flat, view, scratch);
        Subtable? home = FindBest(view.Flow, out OfRule? rule);
        if (home is not null) Consult(home, view);
        Exclude(view, rule?.Precedence ?? ulong.MaxValue, home, scratch);
        return rule;
    }

    private OfRule? LookupFlat(FlatRules flat, FlowView view, LookupScratch scratch)
    {
        scratch.Begin(WordsPointer, _words.Length);
        int best = flat.Find(view, Count, scratch);
        _work.RulesCompared += (ulong)Math.Min(best + 1, Count);
        scratch.Decide(view);
        return best < Count ? InOrder[best] : null;
    }

    private static void Consult(Subtable subtable, FlowView view)
    {
        SubtableShape s = subtable.Shape;
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        for (int i = 0; i < n; i++) view.Consulted[words[i]] |= masks[i] & view.Live[words[i]];
    }

    /// <summary>Makes sure that no rule that comes before <paramref name="best"/> can match a packet that agrees on the consulted bits.</summary>
    private void Exclude(FlowView view, ulong best, Subtable? home, LookupScratch scratch)
    {
        scratch.Begin(WordsPointer, _words.Length);
        foreach (Subtable s in _subtables)
        {
            if (s.First >= best) break;

            // The winner's own mask is consulted whole: its siblings differ in it.
            if (s != home) ExcludeMembers(s, view, 0, best - 1, scratch);
        }

        scratch.Decide(view);
    }

    /// <summary>
    /// The same for the rules of a subtable, none of which matches, from precedence <paramref name="from"/> to <paramref name="to"/>. With
    /// <paramref name="plainOnly"/> clauses of conjunctive matches do not count, and may match.
    /// </summary>
    private void ExcludeMembers(Subtable s, FlowView view, ulong from, ulong to, LookupScratch scratch, bool plainOnly = false)
    {
        if (s.Count > LookupScratch.WholeMaskRules) ExcludeWhole(s, view);
        else CollectUndecided(s, view, from, to, scratch, plainOnly);
    }

    private static void ExcludeWhole(Subtable subtable, FlowView view)
    {
        SubtableShape s = subtable.Shape;
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        for (int i = 0; i < n; i++) view.Excluded[words[i]] |= masks[i] & view.Live[words[i]] & ~view.Consulted[words[i]];
    }

    /// <summary>Remembers the rules of <paramref name="subtable"/> that known bits do not rule out.</summary>
    [SkipLocalsInit]
    private void CollectUndecided(Subtable subtable, FlowView view, ulong from, ulong to, LookupScratch scratch, bool plainOnly)
    {
        SubtableShape s = subtable.Shape;
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        ulong* want = stackalloc ulong[WordCount];
        ulong* known = stackalloc ulong[WordCount];
        ulong open = 0;
        for (int i = 0; i < n; i++)
        {
            int w = words[i];
            want[i] = view.Flow[w] & masks[i];
            known[i] = view.Known(w) & masks[i];
            open |= known[i] ^ masks[i];
        }

        // All bits of the mask are known: none of these rules matches, so each differs in one of them.
        if (open == 0) return;
        for (int block = 0; block < subtable.BlockCount; block++)
        {
            foreach (SubtableLayout piece in subtable.Block(block)) CollectUndecided(piece, s, want, known, (from, to), scratch, plainOnly);
        }
    }

    private void CollectUndecided(SubtableLayout piece, SubtableShape shape, ulong* want, ulong* known, (ulong From, ulong To) range, LookupScratch scratch, bool plainOnly)
    {
        int n = shape.WordCount;
        int* words = shape.Words;
        ulong[] precedences = piece.Precedences;
        int first = range.From == 0 ? 0 : Array.BinarySearch(precedences, range.From);
        if (first < 0) first = ~first;
        int r = first;
        fixed (ulong* values = piece.Values)
        {
            ulong* value = values + ((long)r * n);
            for (; r < precedences.Length && precedences[r] <= range.To; r++, value += n)
            {
                if (plainOnly && piece.Rules[r].Conjunctions.Length > 0) continue;
                ulong decided = 0;
                for (int i = 0; i < n; i++) decided |= (want[i] ^ value[i]) & known[i];
                if (decided != 0) continue;
                ulong* row = scratch.Add();
                for (int i = 0; i < n; i++) row[_slots[words[i]]] = want[i] ^ value[i];
            }
        }

        _work.RulesCompared += (ulong)(r - first);
    }

    private int* WordsPointer => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_words));
}
