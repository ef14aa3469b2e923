using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>The index: two-choice buckets, written by the control thread.</summary>
public sealed unsafe partial class MergedFlowTable
{
    private static uint SignatureOf(ulong hash) => (uint)(hash >> 32);

    private static ulong FirstBucket(MergedIndex* index, ulong hash) => hash & index->Mask;

    private static ulong SecondBucket(MergedIndex* index, ulong hash)
        => (hash ^ ((ulong)SignatureOf(hash) * 0x9E3779B97F4A7C15UL)) & index->Mask;

    private ulong HashOf(MergedHot* hot)
    {
        MergedTemplate* t = _templates + hot->Template;
        ulong hash = KeyedHash.Hash64(hot->Value0, hot->Value1, hot->Template);
        for (int i = 0; i < t->WideCount; i++) hash = KeyedHash.Hash32(hot->Wide[i], hash);
        return hash;
    }

    private static bool Insert(MergedIndex* index, ulong hash, int slot)
    {
        MergedBucket* first = index->Buckets + FirstBucket(index, hash);
        if (Put(first, hash, slot)) return true;
        if (!Put(index->Buckets + SecondBucket(index, hash), hash, slot)) return false;
        Volatile.Write(ref first->Spilled, first->Spilled + 1);
        return true;
    }

    private static bool Put(MergedBucket* b, ulong hash, int slot)
    {
        for (int way = 0; way < MergedBucket.Ways; way++)
        {
            if (b->Slot[way] != 0) continue;
            Interleaving.Step("signature");
            Volatile.Write(ref b->Signature[way], SignatureOf(hash));
            Interleaving.Step("slot");
            Volatile.Write(ref b->Slot[way], (uint)slot + 1);
            return true;
        }

        return false;
    }

    private static bool Erase(MergedIndex* index, ulong hash, int slot)
    {
        MergedBucket* first = index->Buckets + FirstBucket(index, hash);
        if (Take(first, slot)) return true;
        if (!Take(index->Buckets + SecondBucket(index, hash), slot)) return false;
        first->Spilled--;
        return true;
    }

    private static bool Take(MergedBucket* b, int slot)
    {
        for (int way = 0; way < MergedBucket.Ways; way++)
        {
            if (b->Slot[way] != (uint)slot + 1) continue;
            Interleaving.Step("empty");
            Volatile.Write(ref b->Slot[way], 0u);
            return true;
        }

        return false;
    }

    private void Grow()
    {
        MergedIndex* old = Index;
        for (int bucketCount = (int)(old->Mask + 1) * 2; ; bucketCount *= 2)
        {
            MergedIndex* bigger = MergedIndex.Create(bucketCount);
            if (!CopyTo(old, bigger))
            {
                NativeMemory.AlignedFree(bigger);
                continue;
            }

            Interleaving.Step("grown");
            Volatile.Write(ref _published, (nint)bigger);
            _oldIndexes.Enqueue(((nint)old, _grace.Begin()));
            return;
        }
    }

    private bool CopyTo(MergedIndex* from, MergedIndex* to)
    {
        for (ulong b = 0; b <= from->Mask; b++)
        {
            for (int way = 0; way < MergedBucket.Ways; way++)
            {
                int slot = (int)from->Buckets[b].Slot[way] - 1;
                if (slot >= 0 && !Insert(to, _hashOf[slot], slot)) return false;
            }
        }

        return true;
    }

    private void FreeOldIndexes()
    {
        while (_oldIndexes.TryPeek(out (nint Index, ulong Point) old) && _grace.HasPassed(old.Point))
        {
            _oldIndexes.Dequeue();
            NativeMemory.AlignedFree((void*)old.Index);
        }
    }
}
