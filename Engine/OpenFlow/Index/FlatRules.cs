using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// All rules of a table in order of precedence, mask and value side by side over the words in use: for tables with nearly as many masks
/// as rules, where one pass over memory beats a hash probe per mask.
/// </summary>
internal sealed unsafe class FlatRules
{
    private const int VectorWords = 4;

    private readonly ulong[] _rows;
    private readonly int[] _words;
    private readonly int _vectors;

    /// <summary>Lays out <paramref name="rules"/> over <paramref name="words"/>.</summary>
    public FlatRules(OfRule[] rules, int[] words)
    {
        _words = words;
        _vectors = Math.Max(1, (words.Length + VectorWords - 1) / VectorWords);
        int width = _vectors * VectorWords;
        _rows = GC.AllocateArray<ulong>(rules.Length * width * 2, pinned: true);
        for (int r = 0; r < rules.Length; r++)
        {
            for (int w = 0; w < words.Length; w++)
            {
                _rows[(r * width * 2) + w] = TableIndex.WordOf(in rules[r].Match.Mask, words[w]);
                _rows[(r * width * 2) + width + w] = TableIndex.WordOf(in rules[r].Match.Value, words[w]);
            }
        }
    }

    /// <summary>
    /// Position of the first rule that matches, or <paramref name="count"/>. Consults its mask; the rules in front of it that known bits do
    /// not rule out become rows of <paramref name="scratch"/>.
    /// </summary>
    [SkipLocalsInit]
    public int Find(FlowView view, int count, LookupScratch scratch)
    {
        int width = _vectors * VectorWords;
        ulong* flow = stackalloc ulong[width];
        ulong* known = stackalloc ulong[width];
        int* undecided = stackalloc int[count];
        Gather(view, flow, known, width);
        ulong* row = (ulong*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_rows));
        int n = 0;
        int r = 0;
        for (; r < count; r++, row += 2 * width)
        {
            Vector256<ulong> differs = Vector256<ulong>.Zero;
            Vector256<ulong> decided = Vector256<ulong>.Zero;
            for (int i = 0; i < width; i += VectorWords)
            {
                Vector256<ulong> d = (Vector256.Load(flow + i) ^ Vector256.Load(row + width + i)) & Vector256.Load(row + i);
                differs |= d;
                decided |= d & Vector256.Load(known + i);
            }

            if (decided != Vector256<ulong>.Zero) continue;
            if (differs == Vector256<ulong>.Zero) break;
            undecided[n++] = r;
        }

        if (r < count) Consult(view, row, known);
        if (n > 0) Collect(flow, known, undecided, n, scratch);
        return r;
    }

    /// <summary>Keeps the bits in which the rules at <paramref name="positions"/> differ, unless one of them is known by now.</summary>
    private void Collect(ulong* flow, ulong* known, int* positions, int count, LookupScratch scratch)
    {
        int width = _vectors * VectorWords;
        ulong* rows = (ulong*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_rows));
        ulong* to = scratch.Add();
        for (int k = 0; k < count; k++)
        {
            ulong* row = rows + ((long)positions[k] * 2 * width);
            Vector256<ulong> decided = Vector256<ulong>.Zero;
            for (int i = 0; i < width; i += VectorWords)
            {
                Vector256<ulong> d = (Vector256.Load(flow + i) ^ Vector256.Load(row + width + i)) & Vector256.Load(row + i);
                decided |= d & Vector256.Load(known + i);
                d.Store(to + i);
            }

            if (decided == Vector256<ulong>.Zero) to = scratch.Add();
        }

        scratch.RemoveLast();
    }

    /// <summary>Consults the whole mask of a rule.</summary>
    private void Consult(FlowView view, ulong* rule, ulong* known)
    {
        for (int w = 0; w < _words.Length; w++)
        {
            view.Consulted[_words[w]] |= rule[w] & view.Live[_words[w]];
            known[w] |= rule[w];
        }
    }

    private void Gather(FlowView view, ulong* flow, ulong* known, int width)
    {
        int w = 0;
        for (; w < _words.Length; w++)
        {
            flow[w] = view.Flow[_words[w]];
            known[w] = view.Known(_words[w]);
        }

        for (; w < width; w++) flow[w] = known[w] = 0;
    }
}
