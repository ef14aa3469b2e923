using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Lookup;

/// <summary>The members of a <see cref="MegaflowClass"/> by their values in some bits of the mask.</summary>
/// <remarks>It is built piece by piece, from the youngest member to the oldest: what joins meanwhile is younger than all that it still lacks.</remarks>
internal sealed unsafe class MegaflowClassIndex : IDisposable
{
    private const int MostBuckets = 1 << 16;

    private readonly uint _lanes;
    private FlowKey _bits;
    private Megaflow? _missing;

    /// <summary>1 + slot of the first megaflow of a bucket, or 0.</summary>
    private int* _buckets;

    /// <summary>By slot, of those that are in: 1 + the next in the bucket, or 0.</summary>
    private int* _next;

    /// <summary>By slot, of those that are in: 1 + the one before in the bucket, or 0.</summary>
    private int* _previous;
    private readonly MegaflowTable _table;
    private readonly int _shift;

    /// <summary>An index over <paramref name="bits"/> that has no member yet.</summary>
    /// <param name="bits">Bits of the class's mask.</param>
    /// <param name="first">The youngest member.</param>
    /// <param name="table">Where its megaflows are.</param>
    public MegaflowClassIndex(ref FlowKey bits, Megaflow? first, MegaflowTable table)
    {
        _bits = bits;
        _lanes = FlowKey.LaneMap(ref bits);
        _missing = first;
        _table = table;
        int buckets = (int)Math.Min(MostBuckets, BitOperations.RoundUpToPowerOf2((uint)Math.Max(table.Capacity, 2)));
        _shift = 64 - BitOperations.Log2((uint)buckets);
        _buckets = (int*)NativeMemory.AllocZeroed((nuint)buckets, sizeof(int));
        _next = (int*)NativeMemory.Alloc((nuint)table.Capacity, sizeof(int));
        _previous = (int*)NativeMemory.Alloc((nuint)table.Capacity, sizeof(int));
    }

    /// <summary>All members are in it.</summary>
    public bool IsComplete => _missing is null;

    /// <summary>It is over these bits.</summary>
    public bool IsOf(ref FlowKey bits) => FlowKey.Same(ref _bits, ref bits);

    /// <summary>The megaflow has the value in the bits.</summary>
    public static bool Agrees(Megaflow m, ref FlowKey bits, ref FlowKey value)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            if (((FlowKey.Lane(ref m.Value, i) ^ FlowKey.Lane(ref value, i)) & FlowKey.Lane(ref bits, i)) != Vector256<byte>.Zero) return false;
        }

        return true;
    }

    /// <summary>A new member.</summary>
    public void Add(Megaflow m)
    {
        int bucket = BucketOf(ref m.Value), id = m.Id, first = _buckets[bucket];
        (_next[id], _previous[id]) = (first, 0);
        if (first != 0) _previous[first - 1] = id + 1;
        _buckets[bucket] = id + 1;
    }

    /// <summary>A member goes.</summary>
    public void Remove(Megaflow m)
    {
        if (_missing is { } missing && m.Class.Order <= missing.Class.Order)
        {
            if (m == missing) _missing = m.Class.Next;
            return;
        }

        int id = m.Id, next = _next[id], previous = _previous[id];
        if (next != 0) _previous[next - 1] = previous;
        if (previous != 0) _next[previous - 1] = next;
        else _buckets[BucketOf(ref m.Value)] = next;
    }

    /// <summary>Takes up to <paramref name="most"/> members that are missing; returns how many.</summary>
    public int Build(int most)
    {
        int n = 0;
        for (; n < most && _missing is { } m; n++)
        {
            _missing = m.Class.Next;
            Add(m);
        }

        return n;
    }

    /// <summary>Adds the members that have the value in the bits; false if these would be more than <paramref name="most"/>, or not all are known.</summary>
    public bool Find(ref FlowKey value, int most, HashSet<Megaflow> found)
    {
        if (!IsComplete) return false;
        for (int at = _buckets[BucketOf(ref value)]; at != 0; at = _next[at - 1])
        {
            Megaflow m = _table[at - 1]!;
            if (!Agrees(m, ref _bits, ref value)) continue;
            found.Add(m);
            if (found.Count > most) return false;
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_buckets);
        NativeMemory.Free(_next);
        NativeMemory.Free(_previous);
        _buckets = _next = _previous = null;
    }

    private int BucketOf(ref FlowKey value)
    {
        ulong hash = 0;
        for (uint rest = _lanes; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            hash = FlowHash.Chain(hash, FlowKey.Lane(ref value, i) & FlowKey.Lane(ref _bits, i));
        }

        return (int)(hash >> _shift);
    }
}
