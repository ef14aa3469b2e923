using System.Runtime.InteropServices;

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
