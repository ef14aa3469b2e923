using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Engine.Offload;

/// <summary>A power-of-two array of buckets with its mask, so that a reader gets both with one load.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct MergedIndex
{
    public MergedBucket* Buckets;
    public ulong Mask;

    /// <summary>Header and buckets in one zeroed allocation.</summary>
    public static MergedIndex* Create(int bucketCount)
    {
        nuint sizeBytes = (nuint)sizeof(MergedIndex) + ((nuint)bucketCount * (nuint)sizeof(MergedBucket));
        var index = (MergedIndex*)NativeMemory.AlignedAlloc(sizeBytes, 64);
        NativeMemory.Clear(index, sizeBytes);
        index->Buckets = (MergedBucket*)(index + 1);
        index->Mask = (ulong)bucketCount - 1;
        return index;
    }
}

/// <summary>
/// One cache line of the merged-flow index: seven signatures and seven rule slots (slot + 1; 0 = empty), and how many rules whose place this
/// is had to go to their second bucket.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal unsafe struct MergedBucket
{
    public const int Ways = 7;

    [FieldOffset(0)] public fixed uint Signature[Ways];
    [FieldOffset(28)] public uint Spilled;
    [FieldOffset(32)] public fixed uint Slot[Ways];
}

/// <summary>One mask of a <see cref="MergedFlowTable"/>; rules that share it are found with one hash.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MergedTemplate
{
    /// <summary>Masks of lanes 0 and 1.</summary>
    public Vector256<byte> Mask0;
    public Vector256<byte> Mask1;

    /// <summary>Masks of the lanes in <see cref="WideLanes"/>, in lane order.</summary>
    public Vector256<byte>* Wide;

    /// <summary>Lanes behind lane 1 that have a mask.</summary>
    public uint WideLanes;

    public int WideCount;

    /// <summary>Rules under this mask; 0 = the template is free.</summary>
    public int RuleCount;
}
