using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// One cache line of the connection table: eight signatures, eight connection ids.
/// </summary>
/// <remarks>
/// <code>
/// signature[8] u16, 0 = empty | id[8] u32, bit 31: stored here because its first bucket was full | overflow u16 | version u32 [52] | claims u32 [56] | spare
/// </code>
/// An entry lives in its first bucket or in that bucket's mate; <see cref="Overflow"/> counts entries of this bucket that live in the
/// mate, so a miss in a bucket that never overflowed ends after one line.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct ConnBucket
{
    public const int SizeBytes = 64;
    public const int SlotCount = 8;
    public const uint MovedBit = 0x8000_0000;

    [FieldOffset(0)] public fixed ushort Signatures[SlotCount];
    [FieldOffset(16)] public fixed uint Ids[SlotCount];
    [FieldOffset(48)] public ushort Overflow;

    /// <summary>Odd while a thread changes the bucket; another number afterwards. Not used by one thread alone.</summary>
    [FieldOffset(52)] public uint Version;

    /// <summary>See <see cref="ConnClaim"/>. Not used by one thread alone.</summary>
    [FieldOffset(56)] public uint Claims;

    /// <summary>What a bucket has of a hash; never 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort SignatureOf(ulong hash) => (ushort)((hash >> 48) | 1);

    /// <summary>The slots with this signature, as bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Matches(ConnBucket* bucket, ushort signature)
        => Vector128.Equals(Vector128.Load(bucket->Signatures), Vector128.Create(signature)).ExtractMostSignificantBits();
}
