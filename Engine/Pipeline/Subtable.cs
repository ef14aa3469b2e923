using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mergeflow.Engine;

/// <summary>The rules of a table that share one mask (OVS <c>struct cls_subtable</c>): only the words that the mask touches are kept.</summary>
/// <remarks>Arrays are pinned and immutable, so translators on several threads read them through pointers.</remarks>
internal sealed unsafe class Subtable
{
    private const int LinearLimit = 4;

    private readonly ulong[] _masks;
    private readonly ulong[] _values;
    private readonly int[] _words;
    private readonly int[] _positions;
    private readonly int[] _buckets;
    private readonly int _shift;

    /// <summary>Takes the rules at <paramref name="members"/>, ascending.</summary>
    public Subtable(OfRule[] rules, List<int> members)
    {
        OfRule head = rules[members[0]];
        var words = new List<int>();
        for (int w = 0; w < TableIndex.WordCount; w++)
        {
            if (TableIndex.WordOf(ref head.Match.Mask, w) != 0) words.Add(w);
        }

        _words = Pin(words);
        _masks = Pin(words.ConvertAll(w => TableIndex.WordOf(ref head.Match.Mask, w)));
        _positions = Pin(members);
        _values = GC.AllocateUninitializedArray<ulong>(Math.Max(1, members.Count * words.Count), pinned: true);
        int at = 0;
        foreach (int m in members)
        {
            foreach (int w in words) _values[at++] = TableIndex.WordOf(ref rules[m].Match.Value, w);
        }

        int buckets = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(2, members.Count * 2));
        _shift = 64 - BitOperations.Log2((uint)buckets);
        _buckets = GC.AllocateArray<int>(members.Count > LinearLimit ? buckets : 1, pinned: true);
        if (members.Count > LinearLimit) FillBuckets();
    }

    /// <summary>Position of the best rule.</summary>
    public int First => _positions[0];

    /// <summary>Number of rules.</summary>
    public int Count => _positions.Length;

    /// <summary>Number of words the mask touches.</summary>
    public int WordCount => _words.Length;

    /// <summary>The touched words' indexes.</summary>
    public int* Words => Address(_words);

    /// <summary>The mask's touched words.</summary>
    public ulong* Masks => Address(_masks);

    /// <summary>Values, <see cref="WordCount"/> per rule.</summary>
    public ulong* Values => Address(_values);

    /// <summary>Positions of the rules in the table, ascending.</summary>
    public int* Positions => Address(_positions);

    /// <summary>Position of the best rule that <paramref name="flow"/> matches, or <see cref="int.MaxValue"/>.</summary>
    public int Find(ulong* flow)
    {
        int n = _words.Length;
        int* words = Words;
        ulong* masks = Masks;
        ulong* values = Values;
        int count = _positions.Length;
        if (count <= LinearLimit)
        {
            for (int r = 0; r < count; r++, values += n)
            {
                int i = 0;
                while (i < n && (flow[words[i]] & masks[i]) == values[i]) i++;
                if (i == n) return _positions[r];
            }

            return int.MaxValue;
        }

        ulong hash = 0;
        for (int i = 0; i < n; i++) hash = Mix(hash, flow[words[i]] & masks[i]);
        int* buckets = Address(_buckets);
        int last = _buckets.Length - 1;
        for (int b = (int)(Finish(hash) >> _shift); buckets[b] != 0; b = (b + 1) & last)
        {
            int r = buckets[b] - 1;
            ulong* v = values + (r * n);
            int i = 0;
            while (i < n && (flow[words[i]] & masks[i]) == v[i]) i++;
            if (i == n) return _positions[r];
        }

        return int.MaxValue;
    }

    private void FillBuckets()
    {
        int n = _words.Length;
        for (int r = 0; r < _positions.Length; r++)
        {
            ulong hash = 0;
            for (int i = 0; i < n; i++) hash = Mix(hash, _values[(r * n) + i]);
            int b = (int)(Finish(hash) >> _shift);
            while (_buckets[b] != 0) b = (b + 1) & (_buckets.Length - 1);
            _buckets[b] = r + 1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong hash, ulong word) => (BitOperations.RotateLeft(hash, 5) ^ word) * 0x9E37_79B9_7F4A_7C15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Finish(ulong hash) => (hash ^ (hash >> 32)) * 0x9E37_79B9_7F4A_7C15;

    private static T[] Pin<T>(List<T> items)
    {
        T[] array = GC.AllocateUninitializedArray<T>(Math.Max(1, items.Count), pinned: true);
        items.CopyTo(array);
        return items.Count == 0 ? GC.AllocateArray<T>(0, pinned: true) : array;
    }

    private static T* Address<T>(T[] pinned)
        where T : unmanaged
        => (T*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(pinned));
}
