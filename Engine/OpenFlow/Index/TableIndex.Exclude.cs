using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine.OpenFlow;

/// <content>What rules out the rules that would have come first: few bits, found in bounded time.</content>
internal sealed unsafe partial class TableIndex
{
    /// <summary>Rules of a tree that bits are chosen for together; of more, the bits of the tree are taken until so many are left.</summary>
    private const int MostUndecided = 64;

    /// <summary>Rules below a node up to which it is looked whether known bits leave few of them.</summary>
    private const int MostTried = 1024;

    /// <summary>Undecided rules of a lookup from which on masks are consulted whole.</summary>
    private const int MostRows = 4096;

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
    [SkipLocalsInit]
    private void ExcludeMembers(Subtable subtable, FlowView view, ulong from, ulong to, LookupScratch scratch, bool plainOnly = false)
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
        Undecided rules = new(s, want, known, (from, to), scratch, plainOnly);
        if (scratch.Count >= MostRows) ExcludeWhole(s, view);
        else if (subtable.Tree is { } tree) ExcludeTree(tree, view, in rules);
        else Collect(subtable.Whole, in rules);
    }

    private static void ExcludeWhole(SubtableShape s, FlowView view)
    {
        int n = s.WordCount;
        int* words = s.Words;
        ulong* masks = s.Masks;
        for (int i = 0; i < n; i++) view.Excluded[words[i]] |= masks[i] & view.Live[words[i]] & ~view.Consulted[words[i]];
    }

    /// <summary>
    /// Takes the flow's way down the tree, until all rules below have a bit in common that is another one. A bit on the way that is known rules out what is on the other side; one that is not is
    /// consulted, unless known bits have left few rules below: these are remembered, as those of a small subtable are. What known bits rule out already needs no other bit, however the tree has
    /// changed since they became known.
    /// </summary>
    private void ExcludeTree(SubtableNode node, FlowView view, in Undecided rules)
    {
        while (node.First <= rules.Range.To)
        {
            if (node.Rules is { } leaf)
            {
                Collect(leaf, in rules);
                return;
            }

            bool isElsewhere = node.IsElsewhere(rules.Shape, rules.Want, rules.Known, out int position);
            if (isElsewhere && rules.IsKnown(position)) return;
            if (isElsewhere || !rules.IsKnown(node.Position))
            {
                int before = rules.Scratch.Count;
                if (node.Count <= MostTried && TryCollect(node, before + MostUndecided, in rules)) return;
                rules.Scratch.RemoveTo(before);
                rules.Ask(view, isElsewhere ? position : node.Position);
                if (isElsewhere) return;
            }

            node = node.Side(rules.Want);
        }
    }

    /// <summary>Remembers the rules below a node that known bits do not rule out; false if all that are remembered would be more than <paramref name="most"/>.</summary>
    private bool TryCollect(SubtableNode node, int most, in Undecided rules)
    {
        while (node.First <= rules.Range.To)
        {
            if (node.Rules is { } leaf)
            {
                Collect(leaf, in rules);
                return rules.Scratch.Count <= most;
            }

            if (rules.IsKnown(node.Position))
            {
                node = node.Side(rules.Want);
                continue;
            }

            if (!TryCollect(node.Zeros!, most, in rules)) return false;
            node = node.Ones!;
        }

        return true;
    }

    /// <summary>Remembers the rules that known bits do not rule out.</summary>
    private void Collect(SubtableLayout layout, in Undecided rules)
    {
        int n = rules.Shape.WordCount;
        int* words = rules.Shape.Words;
        ulong[] precedences = layout.Precedences;
        int first = rules.Range.From == 0 ? 0 : Array.BinarySearch(precedences, rules.Range.From);
        if (first < 0) first = ~first;
        int r = first;
        fixed (ulong* values = layout.Values)
        {
            ulong* value = values + ((long)r * n);
            for (; r < precedences.Length && precedences[r] <= rules.Range.To; r++, value += n)
            {
                if (rules.PlainOnly && layout.Rules[r].Conjunctions.Length > 0) continue;
                ulong decided = 0;
                for (int i = 0; i < n; i++) decided |= (rules.Want[i] ^ value[i]) & rules.Known[i];
                if (decided != 0) continue;
                ulong* row = rules.Scratch.Add();
                for (int i = 0; i < n; i++) row[_slots[words[i]]] = rules.Want[i] ^ value[i];
            }
        }

        _work.RulesCompared += (ulong)(r - first);
    }

    private int* WordsPointer => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_words));

    /// <summary>What is asked of the rules of a subtable.</summary>
    /// <param name="shape">Their mask.</param>
    /// <param name="want">The flow's bits under it.</param>
    /// <param name="known">The bits that are known, also those that become so.</param>
    /// <param name="range">Precedences from and to.</param>
    /// <param name="scratch">Where those are remembered that are not ruled out.</param>
    /// <param name="plainOnly">Clauses of conjunctive matches do not count.</param>
    private readonly ref struct Undecided(SubtableShape shape, ulong* want, ulong* known, (ulong From, ulong To) range, LookupScratch scratch, bool plainOnly)
    {
        public SubtableShape Shape { get; } = shape;

        public ulong* Want { get; } = want;

        public ulong* Known { get; } = known;

        public (ulong From, ulong To) Range { get; } = range;

        public LookupScratch Scratch { get; } = scratch;

        public bool PlainOnly { get; } = plainOnly;

        /// <summary>The bit at a position of the mask's words is known.</summary>
        public bool IsKnown(int position) => (Known[position / SubtableNode.BitsOfWord] & SubtableNode.BitOf(position)) != 0;

        /// <summary>Consults that bit.</summary>
        public void Ask(FlowView view, int position)
        {
            int word = position / SubtableNode.BitsOfWord;
            view.Excluded[Shape.Words[word]] |= SubtableNode.BitOf(position);
            Known[word] |= SubtableNode.BitOf(position);
        }
    }
}
