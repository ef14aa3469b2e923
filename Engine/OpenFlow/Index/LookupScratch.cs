using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// The rules that a lookup still has to rule out, as the bits in which each differs from the flow, and the choice of bits that does it.
/// </summary>
/// <remarks>
/// Every undecided rule needs one consulted bit in which it differs. Few bits should serve many rules, so this is a set cover, solved
/// greedily: count for each bit how many rules it would rule out, take the best, drop those rules, repeat. Rows hold only the words that
/// some rule of the table matches on.
/// </remarks>
internal sealed unsafe class LookupScratch : IDisposable
{
    private const int MaxWidth = TableIndex.WordCount;
    private const int MaxPlanes = 10;

    /// <summary>Of more rows than this, a regular sample is counted.</summary>
    private const int SampleRows = 512;
    private const int VectorWords = 4;

    private ulong* _rows;
    private int* _words;
    private int _used;
    private int _width;
    private int _capacity;

    /// <summary>Allocates the work space.</summary>
    public LookupScratch()
    {
        _capacity = 256;
        _rows = (ulong*)NativeMemory.Alloc((nuint)(_capacity * MaxWidth), sizeof(ulong));
    }

    /// <summary>Frees the work space if nobody disposed it.</summary>
    ~LookupScratch() => Free();

    /// <summary>Conjunctive lookups: the subtables visited.</summary>
    public List<VisitedSubtable> Visited { get; } = [];

    /// <summary>Undecided rules.</summary>
    public int Count { get; private set; }

    /// <summary>Starts over with rows of <paramref name="count"/> words; <paramref name="words"/> says which word of a flow each one is.</summary>
    public void Begin(int* words, int count)
    {
        _words = words;
        _used = count;
        _width = (count + VectorWords - 1) & -VectorWords;
        Count = 0;
    }

    /// <summary>A new row, all zero, to fill with the bits in which a rule differs from the flow.</summary>
    public ulong* Add()
    {
        if (Count == _capacity) Grow();
        ulong* row = _rows + ((long)Count++ * _width);
        for (int w = 0; w < _width; w += VectorWords) Vector256<ulong>.Zero.Store(row + w);
        return row;
    }

    /// <summary>Takes back the row added last.</summary>
    public void RemoveLast() => Count--;

    /// <summary>Takes back all rows but the first <paramref name="count"/>.</summary>
    public void RemoveTo(int count) => Count = count;

    /// <summary>Consults bits until every remembered rule differs in one of them.</summary>
    [SkipLocalsInit]
    public void Decide(FlowView view)
    {
        if (Count == 0) return;
        ulong* known = stackalloc ulong[MaxWidth];
        for (int w = 0; w < _used; w++) known[w] = view.Known(_words[w]);
        for (int w = _used; w < _width; w++) known[w] = 0;
        DropDecided(known);
        while (Count > 0)
        {
            int bit = Count == 1 ? FirstBit() : MostUsefulBit();
            view.Excluded[_words[bit >> 6]] |= 1UL << (bit & 63);
            known[bit >> 6] |= 1UL << (bit & 63);
            DropDecided(known);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Removes the rows that differ in a known bit.</summary>
    private void DropDecided(ulong* known)
    {
        int width = _width;
        int kept = 0;
        ulong* row = _rows;
        ulong* to = _rows;
        for (int r = 0; r < Count; r++, row += width)
        {
            Vector256<ulong> decided = Vector256<ulong>.Zero;
            for (int w = 0; w < width; w += VectorWords) decided |= Vector256.Load(row + w) & Vector256.Load(known + w);
            if (decided != Vector256<ulong>.Zero) continue;
            if (to != row)
            {
                for (int w = 0; w < width; w += VectorWords) Vector256.Load(row + w).Store(to + w);
            }

            to += width;
            kept++;
        }

        Count = kept;
    }

    /// <summary>The first differing bit of the only row.</summary>
    private int FirstBit()
    {
        int w = 0;
        while (_rows[w] == 0) w++;
        return (w * 64) + FirstInWireOrder(_rows[w]);
    }

    /// <summary>The bit in which most rows differ; among equals the first in wire order.</summary>
    /// <remarks>Counters are bit-sliced: plane p holds bit p of the counter of every bit position, so a row is added with a few vector operations.</remarks>
    [SkipLocalsInit]
    private int MostUsefulBit()
    {
        int width = _width;
        ulong* planes = stackalloc ulong[MaxPlanes * MaxWidth];
        int stride = 1 + (Count / SampleRows);
        int planeCount = BitOperations.Log2((uint)((Count + stride - 1) / stride)) + 1;
        new Span<ulong>(planes, planeCount * width).Clear();
        for (int r = 0; r < Count; r += stride)
        {
            ulong* row = _rows + ((long)r * width);
            for (int w = 0; w < width; w += VectorWords)
            {
                Vector256<ulong> carry = Vector256.Load(row + w);
                for (ulong* plane = planes + w; carry != Vector256<ulong>.Zero; plane += width)
                {
                    Vector256<ulong> digit = Vector256.Load(plane);
                    (digit ^ carry).Store(plane);
                    carry &= digit;
                }
            }
        }

        int best = -1;
        int bestCount = 0;
        for (int w = 0; w < width; w++)
        {
            ulong candidates = ulong.MaxValue;
            int count = 0;
            for (int p = planeCount - 1; p >= 0; p--)
            {
                ulong with = candidates & planes[(p * width) + w];
                if (with == 0) continue;
                candidates = with;
                count |= 1 << p;
            }

            if (count > bestCount) (best, bestCount) = ((w * 64) + FirstInWireOrder(candidates), count);
        }

        return best;
    }

    /// <summary>The first set bit in wire order: lowest byte first, in it the most significant bit.</summary>
    private static int FirstInWireOrder(ulong word)
    {
        int at = BitOperations.TrailingZeroCount(word) & ~7;
        return at + BitOperations.Log2((uint)(byte)(word >> at));
    }

    private void Grow()
    {
        _capacity *= 2;
        _rows = (ulong*)NativeMemory.Realloc(_rows, (nuint)_capacity * MaxWidth * sizeof(ulong));
    }

    private void Free()
    {
        NativeMemory.Free(_rows);
        _rows = null;
    }
}

/// <summary>A subtable in a conjunctive lookup.</summary>
/// <param name="Table">The subtable.</param>
/// <param name="Rule">The best match in it that has not been handled.</param>
/// <param name="IsConsulted">The lookup depends on the subtable's whole mask.</param>
internal readonly record struct VisitedSubtable(Subtable Table, RulePlace Rule, bool IsConsulted = false);
