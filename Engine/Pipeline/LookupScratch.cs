using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine;

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
    /// <summary>Subtables larger than this are excluded by consulting their whole mask.</summary>
    public const int WholeMaskRules = 16384;

    private const int MaxWidth = TableIndex.WordCount;

    private ulong* _rows;
    private ushort* _counts;
    private int* _words;
    private int _width;
    private int _capacity;

    /// <summary>Allocates the work space.</summary>
    public LookupScratch()
    {
        _capacity = 256;
        _rows = (ulong*)NativeMemory.Alloc((nuint)(_capacity * MaxWidth), sizeof(ulong));
        _counts = (ushort*)NativeMemory.AllocZeroed(MaxWidth * 64, sizeof(ushort));
    }

    /// <summary>Frees the work space if nobody disposed it.</summary>
    ~LookupScratch() => Free();

    /// <summary>Undecided rules.</summary>
    public int Count { get; private set; }

    /// <summary>Starts over with rows of <paramref name="width"/> words; <paramref name="words"/> says which word of a flow each one is.</summary>
    public void Begin(int* words, int width)
    {
        _words = words;
        _width = width;
        Count = 0;
    }

    /// <summary>A new row to fill with the bits in which a rule differs from the flow.</summary>
    public ulong* Add()
    {
        if (Count == _capacity) Grow();
        return _rows + ((long)Count++ * _width);
    }

    /// <summary>Consults bits until every remembered rule differs in one of them.</summary>
    [SkipLocalsInit]
    public void Decide(FlowView view)
    {
        if (Count == 0) return;
        ulong* known = stackalloc ulong[MaxWidth];
        for (int w = 0; w < _width; w++) known[w] = view.Known(_words[w]);
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
            ulong decided = 0;
            for (int w = 0; w < width; w++) decided |= row[w] & known[w];
            if (decided != 0) continue;
            if (to != row)
            {
                for (int w = 0; w < width; w++) to[w] = row[w];
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
    [SkipLocalsInit]
    private int MostUsefulBit()
    {
        int width = _width;
        ulong* any = stackalloc ulong[MaxWidth];
        for (int w = 0; w < width; w++) any[w] = 0;
        ulong* row = _rows;
        for (int r = 0; r < Count; r++, row += width)
        {
            for (int w = 0; w < width; w++)
            {
                ulong bits = row[w];
                any[w] |= bits;
                for (; bits != 0; bits &= bits - 1) _counts[(w * 64) + BitOperations.TrailingZeroCount(bits)]++;
            }
        }

        int best = -1;
        int bestCount = 0;
        for (int w = 0; w < width; w++)
        {
            for (ulong bits = any[w]; bits != 0;)
            {
                int b = FirstInWireOrder(bits);
                bits &= ~(1UL << b);
                int at = (w * 64) + b;
                int count = _counts[at];
                _counts[at] = 0;
                if (count > bestCount) (best, bestCount) = (at, count);
            }
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
        NativeMemory.Free(_counts);
        _rows = null;
        _counts = null;
    }
}
