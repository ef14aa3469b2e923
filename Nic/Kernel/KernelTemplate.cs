using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>A mask that rules have, as words of 64 bits, and how its keys are hashed. The program is written for it.</summary>
internal sealed class KernelTemplate
{
    /// <summary>Bits 16 to 47 of the hash are the tag, the highest ones the bucket.</summary>
    public const int TagShift = 16;

    private readonly ulong[] _multipliers;

    public KernelTemplate(ref NicKey mask, FlowTable table, ulong seed)
    {
        Mask = mask;
        Table = table;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(Mask.Bytes);
        List<int> places = [];
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i] != 0) places.Add(i);
        }

        Places = [.. places];
        Words = [.. places.Select(i => MemoryMarshal.Cast<byte, ulong>(Mask.Bytes)[i])];
        _multipliers = new ulong[Places.Length + 2];
        for (int i = 0; i < _multipliers.Length; i++) _multipliers[i] = Next(ref seed) | 1;
    }

    /// <summary>Whether the program can match the mask: none of the words that it does not read.</summary>
    public static bool Fits(ref NicKey mask)
    {
        const int read = 12;
        return IsTunnelMask(ref mask) || !MemoryMarshal.Cast<byte, ulong>(mask.Bytes)[read..].ContainsAnyExcept(0UL);
    }

    /// <summary>Of rules for what was inside a tunnel.</summary>
    public bool IsInside => IsTunnelMask(ref Mask);

    public NicKey Mask;

    public FlowTable Table { get; }

    /// <summary>Which words of a key count.</summary>
    public int[] Places { get; }

    /// <summary>Their masks.</summary>
    public ulong[] Words { get; }

    /// <summary>The program that is in place, or is to be put there first, looks for it.</summary>
    public bool IsWritten { get; set; }

    /// <summary>Rules that have it.</summary>
    public int RuleCount { get; set; }

    /// <summary>What a word is multiplied by; the last but one begins the sum, the last ends it.</summary>
    public ulong Multiplier(int index) => _multipliers[index];

    /// <summary>Writes the words of a key that count, one behind the other; returns how many.</summary>
    public int WordsOf(ref NicKey key, Span<ulong> compact)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(key.Bytes);
        for (int i = 0; i < Places.Length; i++) compact[i] = words[Places[i]] & Words[i];
        return Places.Length;
    }

    /// <summary>Hash of the words of a key.</summary>
    public ulong HashOf(ref NicKey key)
    {
        Span<ulong> words = stackalloc ulong[KernelLayout.MaxKeyWords];
        return Hash(words[..WordsOf(ref key, words)]);
    }

    /// <summary>The program computes the same: a sum of products, so that the multiplications do not wait for each other, and one more that mixes.</summary>
    public ulong Hash(ReadOnlySpan<ulong> words)
    {
        ulong h = _multipliers[^2];
        for (int i = 0; i < words.Length; i++) h += words[i] * _multipliers[i];
        h ^= h >> 32;
        return h * _multipliers[^1];
    }

    /// <summary>Never 0: that is an empty place.</summary>
    public static uint TagOf(ulong hash) => (uint)(hash >> TagShift) | 1;

    /// <summary>The other bucket of a tag; from there the same way back.</summary>
    public static uint OtherBucket(uint bucket, uint tag, uint bucketMask) => bucket ^ ((tag >> 1) & bucketMask);

    private static bool IsTunnelMask(ref NicKey mask) => (BinaryPrimitives.ReadUInt16BigEndian(mask.Bytes[NicFields.Get(NicField.HasVlan).Offset..]) & (ushort)NicHeaders.Tunnel) != 0;

    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9e37_79b9_7f4a_7c15;
        z = (z ^ (z >> 30)) * 0xbf58_476d_1ce4_e5b9;
        z = (z ^ (z >> 27)) * 0x94d0_49bb_1331_11eb;
        return z ^ (z >> 31);
    }
}
