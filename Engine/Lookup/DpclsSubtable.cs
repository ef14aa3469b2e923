using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Lookup;

/// <summary>
/// All megaflows of one mask, struct-of-arrays: tags, ids and masked lanes stand in arrays of their own.
/// </summary>
/// <remarks>
/// <code>
/// slot i:  tags[i] (16-bit signature, 0 = empty, 1 = deleted)   ids[i]   lanes[i * laneCount .. ] (32 bytes each, only the mask's lanes)
/// </code>
/// Open addressing over groups of 16 tags: one 32-byte load compares sixteen signatures; a group with an empty tag ends the search.
/// </remarks>
public sealed unsafe class DpclsSubtable : IDisposable
{
    private const int GroupSize = 16;
    private const ushort Empty = 0;
    private const ushort Deleted = 1;

    private readonly int _laneCount;
    private readonly uint _laneMap;
    private readonly bool _isHot;
    private readonly Vector256<byte> _mask0;
    private readonly Vector256<byte> _mask1;
    private readonly byte[] _laneIndex;
    private ushort* _tags;
    private int* _ids;
    private Vector256<byte>* _lanes;
    private uint _groupMask;
    private int _used;

    /// <summary>The mask.</summary>
    public FlowKey Mask;

    /// <summary>An empty subtable for <paramref name="mask"/>.</summary>
    public DpclsSubtable(ref FlowKey mask)
    {
        Mask = mask;
        _laneMap = FlowKey.LaneMap(ref mask);
        _laneCount = BitOperations.PopCount(_laneMap);
        _laneIndex = [.. Enumerable.Range(0, FlowKey.LaneCount).Where(i => (_laneMap >> i & 1) != 0).Select(i => (byte)i)];
        _isHot = (_laneMap & ~FlowKey.HotLanes) == 0;
        if (_isHot) (_laneCount, _laneIndex) = (2, [Lanes.Link, Lanes.Network]);
        _mask0 = FlowKey.Lane(ref mask, Lanes.Link);
        _mask1 = FlowKey.Lane(ref mask, Lanes.Network);
        Allocate(1);
    }

    /// <summary>Megaflows in it.</summary>
    public int Count { get; private set; }

    /// <summary>Decaying hit counter, for ranking.</summary>
    public ulong Hits;

    /// <summary>Megaflow id whose value equals key &amp; mask, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Lookup(ref FlowKey key, uint lanes)
        => _isHot ? LookupHot(FlowKey.Lane(ref key, Lanes.Link) & _mask0, FlowKey.Lane(ref key, Lanes.Network) & _mask1) : LookupWide(ref key, lanes);

    /// <summary>
    /// Looks up the packets whose bit is set in <paramref name="pending"/>: hash and prefetch all, then compare all. Writes the ids of the
    /// found ones and returns the bits of the others. <paramref name="hashes"/> is scratch, one word per packet of the batch.
    /// </summary>
    public uint LookupBatch(Packet** packets, uint pending, int* ids, ulong* hashes)
    {
        uint left = pending;
        if (!_isHot)
        {
            for (uint rest = pending; rest != 0; rest &= rest - 1)
            {
                int i = BitOperations.TrailingZeroCount(rest);
                int id = LookupWide(ref packets[i]->Key, packets[i]->KeyLanes);
                if (id < 0) continue;
                ids[i] = id;
                left &= ~(1u << i);
            }

            return left;
        }

        ushort* tagTable = _tags;
        uint groupMask = _groupMask;
        Vector256<byte> mask0 = _mask0;
        Vector256<byte> mask1 = _mask1;
        for (uint rest = pending; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            FlowKey* key = &packets[i]->Key;
            ulong hash = FlowHash.Of(FlowKey.Lane(ref *key, Lanes.Link) & mask0, FlowKey.Lane(ref *key, Lanes.Network) & mask1);
            hashes[i] = hash;
            Native.Prefetch.Read(tagTable + (((uint)hash & groupMask) * GroupSize));
        }

        for (uint rest = pending; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            ulong hash = hashes[i];
            Vector256<ushort> tags = Vector256.Load(tagTable + (((uint)hash & groupMask) * GroupSize));
            uint candidates = Vector256.Equals(tags, Vector256.Create(TagOf(hash))).ExtractMostSignificantBits();

            // The usual miss: no tag fits, and an empty slot says that there is no next group.
            if (candidates == 0 && Vector256.EqualsAny(tags, Vector256<ushort>.Zero)) continue;
            FlowKey* key = &packets[i]->Key;
            int id = LookupHot(FlowKey.Lane(ref *key, Lanes.Link) & mask0, FlowKey.Lane(ref *key, Lanes.Network) & mask1, hash);
            if (id < 0) continue;
            ids[i] = id;
            left &= ~(1u << i);
        }

        return left;
    }

    /// <summary>Adds a masked value; it must not be there yet.</summary>
    public void Insert(ref FlowKey value, int megaflowId)
    {
        if ((_used + 1) * 8 > (int)(_groupMask + 1) * GroupSize * 7) Grow();
        Place(ref value, HashOf(ref value), megaflowId);
        Count++;
    }

    /// <summary>Removes a masked value if it is there.</summary>
    public bool Remove(ref FlowKey value)
    {
        ulong hash = HashOf(ref value);
        long slot = Find(ref value, hash);
        if (slot < 0) return false;
        Count--;

        // Where a group has room, no search goes on behind it: nothing has to be remembered, and the table need not be made anew for what has come and gone.
        bool isFull = !Vector256.EqualsAny(Vector256.Load(_tags + (slot & -GroupSize)), Vector256<ushort>.Zero);
        _tags[slot] = isFull ? Deleted : Empty;
        if (!isFull) _used--;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_tags);
        NativeMemory.AlignedFree(_ids);
        NativeMemory.AlignedFree(_lanes);
        _tags = null;
        _ids = null;
        _lanes = null;
    }

    private static ushort TagOf(ulong hash) => (ushort)((hash >> 48) | 2);

    private int LookupHot(Vector256<byte> v0, Vector256<byte> v1) => LookupHot(v0, v1, FlowHash.Of(v0, v1));

    private int LookupHot(Vector256<byte> v0, Vector256<byte> v1, ulong hash)
    {
        Vector256<ushort> tag = Vector256.Create(TagOf(hash));
        for (uint g = (uint)hash & _groupMask, step = 1; ; g = (g + step++) & _groupMask)
        {
            Vector256<ushort> tags = Vector256.Load(_tags + (g * GroupSize));
            for (uint m = Vector256.Equals(tags, tag).ExtractMostSignificantBits(); m != 0; m &= m - 1)
            {
                uint slot = (g * GroupSize) + (uint)BitOperations.TrailingZeroCount(m);
                Vector256<byte>* l = _lanes + (slot * 2);
                if (((l[0] ^ v0) | (l[1] ^ v1)) == Vector256<byte>.Zero) return _ids[slot];
            }

            if (Vector256.EqualsAny(tags, Vector256<ushort>.Zero)) return -1;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int LookupWide(ref FlowKey key, uint lanes)
    {
        FlowKey masked;
        Unsafe.SkipInit(out masked);
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            FlowKey.Lane(ref masked, i) = (lanes >> i & 1) != 0 ? FlowKey.Lane(ref key, i) & FlowKey.Lane(ref Mask, i) : Vector256<byte>.Zero;
        }

        long slot = Find(ref masked, HashOf(ref masked));
        return slot < 0 ? -1 : _ids[slot];
    }

    private ulong HashOf(ref FlowKey value)
    {
        if (_isHot) return FlowHash.Of(FlowKey.Lane(ref value, Lanes.Link), FlowKey.Lane(ref value, Lanes.Network));
        ulong h = 0;
        foreach (byte i in _laneIndex) h = FlowHash.Chain(h, FlowKey.Lane(ref value, i));
        return h;
    }

    private long Find(ref FlowKey value, ulong hash)
    {
        Vector256<ushort> tag = Vector256.Create(TagOf(hash));
        for (uint g = (uint)hash & _groupMask, step = 1; ; g = (g + step++) & _groupMask)
        {
            Vector256<ushort> tags = Vector256.Load(_tags + (g * GroupSize));
            for (uint m = Vector256.Equals(tags, tag).ExtractMostSignificantBits(); m != 0; m &= m - 1)
            {
                uint slot = (g * GroupSize) + (uint)BitOperations.TrailingZeroCount(m);
                if (IsSame(slot, ref value)) return slot;
            }

            if (Vector256.EqualsAny(tags, Vector256<ushort>.Zero)) return -1;
        }
    }

    private bool IsSame(uint slot, ref FlowKey value)
    {
        Vector256<byte>* l = _lanes + (slot * (uint)_laneCount);
        for (int i = 0; i < _laneIndex.Length; i++)
        {
            if (l[i] != FlowKey.Lane(ref value, _laneIndex[i])) return false;
        }
        return true;
    }

    private void Place(ref FlowKey value, ulong hash, int megaflowId)
    {
        for (uint g = (uint)hash & _groupMask, step = 1; ; g = (g + step++) & _groupMask)
        {
            for (uint i = 0; i < GroupSize; i++)
            {
                uint slot = (g * GroupSize) + i;
                if (_tags[slot] > Deleted) continue;
                if (_tags[slot] == Empty) _used++;
                _tags[slot] = TagOf(hash);
                _ids[slot] = megaflowId;
                for (int k = 0; k < _laneIndex.Length; k++) _lanes[(slot * (uint)_laneCount) + (uint)k] = FlowKey.Lane(ref value, _laneIndex[k]);
                return;
            }
        }
    }

    private void Grow()
    {
        ushort* tags = _tags;
        int* ids = _ids;
        Vector256<byte>* lanes = _lanes;
        uint slots = (_groupMask + 1) * GroupSize;
        // Many deleted tags: the same size again is enough; otherwise double.
        uint groups = _groupMask + 1;
        Allocate(Count * 2 < slots ? groups : groups * 2);
        FlowKey value = default;
        for (uint s = 0; s < slots; s++)
        {
            if (tags[s] <= Deleted) continue;
            for (int k = 0; k < _laneIndex.Length; k++) FlowKey.Lane(ref value, _laneIndex[k]) = lanes[(s * (uint)_laneCount) + (uint)k];
            Place(ref value, HashOf(ref value), ids[s]);
        }

        NativeMemory.AlignedFree(tags);
        NativeMemory.AlignedFree(ids);
        NativeMemory.AlignedFree(lanes);
    }

    private void Allocate(uint groups)
    {
        uint slots = groups * GroupSize;
        _tags = (ushort*)NativeMemory.AlignedAlloc(slots * sizeof(ushort), 64);
        NativeMemory.Clear(_tags, slots * sizeof(ushort));
        _ids = (int*)NativeMemory.AlignedAlloc(slots * sizeof(int), 64);
        _lanes = (Vector256<byte>*)NativeMemory.AlignedAlloc((nuint)slots * (nuint)(_laneCount * Lanes.SizeBytes), 64);
        _groupMask = groups - 1;
        _used = 0;
    }
}
