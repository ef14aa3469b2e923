using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Nic;


/// <summary>
/// One template of the exact-match table: all rules with the same mask, in an open-addressing hash table with linear probing.
/// </summary>
/// <remarks>
/// <code>
/// slot i:  _tags[i]  (0 = free, else a part of the hash with bit 0 set)   _rules[i]   _values[i * _quadCount ..]
/// </code>
/// Only the 64-bit words that the mask touches are hashed, compared and stored. At most half of the slots are used; a removal moves
/// later slots of the run back, so there are no tombstones. Changed only while no receiver is inside (<see cref="NicGate"/>).
/// </remarks>
internal sealed unsafe partial class ExactMatchTemplate : IDisposable
{
    private const int MinSlots = 16;

    private readonly ulong _seed;
    private readonly int _quadCount;
    private QuadIndexes _quads;
    private Quads _masks;
    private uint* _tags;
    private nint* _rules;
    private ulong* _values;
    private int _slotMask;

    [InlineArray(NicKey.QuadCount)]
    private struct QuadIndexes
    {
        private byte _first;
    }

    [InlineArray(NicKey.QuadCount)]
    private struct Quads
    {
        private ulong _first;
    }

    public ExactMatchTemplate(ref NicKey mask, ulong seed)
    {
        _seed = seed;
        Mask = mask;
        for (int i = 0; i < NicKey.QuadCount; i++)
        {
            ulong q = Quad(ref mask, i);
            if (q == 0) continue;
            _quads[_quadCount] = (byte)i;
            _masks[_quadCount++] = q;
        }
        Allocate(MinSlots);
    }

    /// <summary>The template's mask.</summary>
    public readonly NicKey Mask;

    /// <summary>Rules in it.</summary>
    public int Count { get; private set; }

    /// <summary>The rule whose value equals the masked key; null if there is none.</summary>
    public RuleBlock* Find(ref NicKey key)
    {
        Quads masked = default;
        ulong hash = MaskAndHash(ref key, ref masked);
        uint tag = (uint)hash | 1;
        for (int i = (int)(hash >> 32) & _slotMask; _tags[i] != 0; i = (i + 1) & _slotMask)
        {
            if (_tags[i] == tag && IsAt(i, ref masked)) return (RuleBlock*)_rules[i];
        }
        return null;
    }

    /// <summary>Adds a rule; false if the value is there already.</summary>
    public bool Insert(ref NicKey value, RuleBlock* rule)
    {
        if (Find(ref value) != null) return false;
        if ((Count + 1) * 2 > _slotMask + 1) Grow();
        Quads masked = default;
        Place(MaskAndHash(ref value, ref masked), ref masked, rule);
        Count++;
        return true;
    }

    /// <summary>Removes a rule that is there.</summary>
    public void Remove(ref NicKey value)
    {
        Quads masked = default;
        ulong hash = MaskAndHash(ref value, ref masked);
        int hole = (int)(hash >> 32) & _slotMask;
        while (_tags[hole] != ((uint)hash | 1) || !IsAt(hole, ref masked)) hole = (hole + 1) & _slotMask;
        for (int i = (hole + 1) & _slotMask; _tags[i] != 0; i = (i + 1) & _slotMask)
        {
            int home = (int)(HashOfSlot(i) >> 32) & _slotMask;
            // Slot i may move into the hole only if its home is not behind the hole.
            if (((i - home) & _slotMask) < ((i - hole) & _slotMask)) continue;
            Move(i, hole);
            hole = i;
        }
        _tags[hole] = 0;
        Count--;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_tags);
        NativeMemory.Free(_rules);
        NativeMemory.Free(_values);
        _tags = null;
        _rules = null;
        _values = null;
    }

    private static ulong Quad(ref NicKey key, int i) => Unsafe.Add(ref Unsafe.As<NicKey, ulong>(ref key), i);

    private ulong MaskAndHash(ref NicKey key, ref Quads masked)
    {
        for (int i = 0; i < _quadCount; i++) masked[i] = Quad(ref key, _quads[i]) & _masks[i];
        return Hash(masked);
    }

    private ulong Hash(ReadOnlySpan<ulong> masked)
    {
        ulong h = _seed;
        for (int i = 0; i < _quadCount; i++)
        {
            ulong high = Math.BigMul(h ^ masked[i], 0x9e3779b97f4a7c15, out ulong low);
            h = high ^ BitOperations.RotateLeft(low, 23) ^ _seed;
        }
        return (h ^ (h >> 32)) * 0xd6e8feb86659fd93;
    }

    private ulong HashOfSlot(int slot) => Hash(new ReadOnlySpan<ulong>(_values + ((long)slot * _quadCount), _quadCount));

    private bool IsAt(int slot, ref Quads masked)
    {
        ulong* v = _values + ((long)slot * _quadCount);
        for (int i = 0; i < _quadCount; i++)
        {
            if (v[i] != masked[i]) return false;
        }
        return true;
    }

    private void Place(ulong hash, ref Quads masked, RuleBlock* rule)
    {
        int i = (int)(hash >> 32) & _slotMask;
        while (_tags[i] != 0) i = (i + 1) & _slotMask;
        _tags[i] = (uint)hash | 1;
        _rules[i] = (nint)rule;
        for (int q = 0; q < _quadCount; q++) _values[((long)i * _quadCount) + q] = masked[q];
    }

    private void Move(int from, int to)
    {
        _tags[to] = _tags[from];
        _rules[to] = _rules[from];
        for (int q = 0; q < _quadCount; q++) _values[((long)to * _quadCount) + q] = _values[((long)from * _quadCount) + q];
    }

    private void Grow()
    {
        uint* tags = _tags;
        nint* rules = _rules;
        ulong* values = _values;
        int oldSlots = _slotMask + 1;
        Allocate(oldSlots * 2);
        Quads masked = default;
        for (int i = 0; i < oldSlots; i++)
        {
            if (tags[i] == 0) continue;
            for (int q = 0; q < _quadCount; q++) masked[q] = values[((long)i * _quadCount) + q];
            Place(Hash(masked), ref masked, (RuleBlock*)rules[i]);
        }
        NativeMemory.Free(tags);
        NativeMemory.Free(rules);
        NativeMemory.Free(values);
    }

    private void Allocate(int slots)
    {
        _tags = (uint*)NativeMemory.AllocZeroed((nuint)slots, sizeof(uint));
        _rules = (nint*)NativeMemory.AllocZeroed((nuint)slots, (nuint)sizeof(nint));
        _values = (ulong*)NativeMemory.AllocZeroed((nuint)slots, (nuint)(Math.Max(_quadCount, 1) * sizeof(ulong)));
        _slotMask = slots - 1;
    }
}
