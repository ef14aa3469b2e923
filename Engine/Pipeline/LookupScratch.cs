using System.Numerics;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine;

/// <summary>
/// The rules that a lookup still has to rule out, as the bits in which each differs from the flow, and the choice of bits that does it.
/// </summary>
/// <remarks>
/// Every undecided rule needs one consulted bit in which it differs. Few bits should serve many rules, so this is a set cover, solved
/// greedily: count for each bit how many rules it would rule out, take the best, drop those rules, repeat. Rows are dense over the
/// words in use, so counting is a walk over set bits.
/// </remarks>
internal sealed unsafe class LookupScratch : IDisposable
{
    /// <summary>Subtables larger than this are excluded by consulting their whole mask.</summary>
    public const int WholeMaskRules = 16384;

    private const int MaxRowWords = TableIndex.WordCount;

    private ulong* _rows;
    private ushort* _counts;
    private int _capacity;

    /// <summary>Allocates the work space.</summary>
    public LookupScratch()
    {
        _capacity = 256;
        _rows = (ulong*)NativeMemory.AllocZeroed((nuint)(_capacity * MaxRowWords), sizeof(ulong));
        _counts = (ushort*)NativeMemory.AllocZeroed(MaxRowWords * 64, sizeof(ushort));
    }

    /// <summary>Frees the work space if nobody disposed it.</summary>
    ~LookupScratch() => Free();

    /// <summary>Undecided rules.</summary>
    public int Count { get; private set; }

    /// <summary>Forgets all.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds a rule that differs from the flow in <c>want ^ value</c>.</summary>
    public void Add(int* words, ulong* want, ulong* value, int count)
    {
        if (Count == _capacity) Grow();
        ulong* row = _rows + ((long)Count * MaxRowWords);
        new Span<ulong>(row, MaxRowWords).Clear();
        for (int i = 0; i < count; i++) row[words[i]] = want[i] ^ value[i];
        Count++;
    }

    /// <summary>Consults bits until every remembered rule differs in one of them.</summary>
    public void Decide(ulong* flow, ulong* live, ulong* wildcards)
    {
        DropDecided(live, wildcards);
        while (Count > 0)
        {
            int bit = Count == 1 ? FirstBit() : MostUsefulBit();
            wildcards[bit >> 6] |= 1UL << (bit & 63);
            DropDecided(live, wildcards);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Removes the rows that differ in a known bit.</summary>
    private void DropDecided(ulong* live, ulong* wildcards)
    {
        ulong* known = stackalloc ulong[MaxRowWords];
        for (int w = 0; w < MaxRowWords; w++) known[w] = ~live[w] | wildcards[w];
        int kept = 0;
        for (int r = 0; r < Count; r++)
        {
            ulong* row = _rows + ((long)r * MaxRowWords);
            ulong decided = 0;
            for (int w = 0; w < MaxRowWords; w++) decided |= row[w] & known[w];
            if (decided != 0) continue;
            if (kept != r) new Span<ulong>(row, MaxRowWords).CopyTo(new Span<ulong>(_rows + ((long)kept * MaxRowWords), MaxRowWords));
            kept++;
        }

        Count = kept;
    }

    /// <summary>The most significant differing bit of the only row.</summary>
    private int FirstBit()
    {
        int w = 0;
        while (_rows[w] == 0) w++;
        return (w * 64) + HighBit(_rows[w]);
    }

    /// <summary>The bit in which most rows differ; among equals the first in wire order.</summary>
    private int MostUsefulBit()
    {
        ulong* any = stackalloc ulong[MaxRowWords];
        new Span<ulong>(any, MaxRowWords).Clear();
        for (int r = 0; r < Count; r++)
        {
            ulong* row = _rows + ((long)r * MaxRowWords);
            for (int w = 0; w < MaxRowWords; w++)
            {
                ulong bits = row[w];
                any[w] |= bits;
                for (; bits != 0; bits &= bits - 1) _counts[(w * 64) + BitOperations.TrailingZeroCount(bits)]++;
            }
        }

        int best = -1;
        int bestCount = 0;
        for (int w = 0; w < MaxRowWords; w++)
        {
            for (ulong bits = any[w]; bits != 0;)
            {
                int b = HighBit(bits);
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
    private static int HighBit(ulong word)
    {
        int at = BitOperations.TrailingZeroCount(word) & ~7;
        return at + BitOperations.Log2((uint)(byte)(word >> at));
    }

    private void Grow()
    {
        _capacity *= 2;
        _rows = (ulong*)NativeMemory.Realloc(_rows, (nuint)_capacity * MaxRowWords * sizeof(ulong));
    }

    private void Free()
    {
        NativeMemory.Free(_rows);
        NativeMemory.Free(_counts);
        _rows = null;
        _counts = null;
    }
}
