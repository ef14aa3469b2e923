using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>The words that a mask touches, and how values in them are hashed. Pinned: lookups read it through pointers.</summary>
internal sealed unsafe class SubtableShape
{
    private readonly int[] _words;
    private readonly ulong[] _masks;

    /// <summary>That of the rules with the mask of <paramref name="like"/>.</summary>
    public SubtableShape(OfRule like)
    {
        for (int w = 0; w < TableIndex.WordCount; w++)
        {
            if (TableIndex.WordOf(in like.Match.Mask, w) != 0) WordMap |= 1UL << w;
        }

        int n = BitOperations.PopCount(WordMap);
        _words = GC.AllocateUninitializedArray<int>(n, pinned: true);
        _masks = GC.AllocateUninitializedArray<ulong>(n, pinned: true);
        int i = 0;
        for (ulong rest = WordMap; rest != 0; rest &= rest - 1, i++)
        {
            _words[i] = BitOperations.TrailingZeroCount(rest);
            _masks[i] = TableIndex.WordOf(in like.Match.Mask, _words[i]);
        }
    }

    /// <summary>Bit w: the mask touches word w.</summary>
    public ulong WordMap { get; }

    /// <summary>Number of words the mask touches.</summary>
    public int WordCount => _words.Length;

    /// <summary>The touched words' indexes.</summary>
    public int* Words => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_words));

    /// <summary>The mask's touched words.</summary>
    public ulong* Masks => (ulong*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_masks));

    /// <summary>Hash of a flow's touched bits; all of its bits are good.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong HashOf(ulong* flow)
    {
        int* words = Words;
        ulong* masks = Masks;
        ulong hash = 0;
        for (int i = 0; i < _words.Length; i++) hash = Mix(hash, flow[words[i]] & masks[i]);
        return Finish(hash);
    }

    /// <summary>The same of a rule's value.</summary>
    public ulong HashOf(OfRule rule)
    {
        ulong hash = 0;
        foreach (int w in _words) hash = Mix(hash, TableIndex.WordOf(in rule.Match.Value, w));
        return Finish(hash);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong hash, ulong word) => (BitOperations.RotateLeft(hash, 5) ^ word) * 0x9E37_79B9_7F4A_7C15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Finish(ulong hash) => (hash ^ (hash >> 32)) * 0x9E37_79B9_7F4A_7C15;
}
