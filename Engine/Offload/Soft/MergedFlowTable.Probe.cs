using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Batch lookup, the packet thread's side: hash all and prefetch, pick candidates and prefetch, compare.</summary>
public sealed unsafe partial class MergedFlowTable
{
    /// <summary>Most packets per probe.</summary>
    public const int MaxBatch = 32;

    /// <summary>
    /// Finds the rule of each parsed packet; <paramref name="hits"/>[i] = null if there is none. The caller checks <see cref="MergedHot.Gate"/> and
    /// what the rule requires when it comes to use it. <paramref name="count"/> is at most 32.
    /// </summary>
    [SkipLocalsInit]
    public void Probe(Packet** packets, int count, MergedHot** hits)
    {
        for (int i = 0; i < count; i++) hits[i] = null;
        Interleaving.Step("index");
        MergedIndex* index = (MergedIndex*)Volatile.Read(ref _published);
        int templateCount = Volatile.Read(ref _templateCount);
        ulong* hashes = stackalloc ulong[MaxBatch];
        ulong pending = count == 0 ? 0 : ~0UL >> (64 - count);
        for (int t = 0; t < templateCount && pending != 0; t++)
        {
            MergedTemplate* template = _templates + t;
            if (Volatile.Read(ref template->RuleCount) == 0) continue;
            if (template->WideCount == 0) pending = ProbeHot(index, template, t, packets, pending, hashes, hits);
            else pending = ProbeWide(index, template, t, packets, pending, hits);
        }
    }

    /// <summary>Templates that use lanes 0 and 1 only: the common case.</summary>
    private ulong ProbeHot(MergedIndex* index, MergedTemplate* template, int t, Packet** packets, ulong pending, ulong* hashes, MergedHot** hits)
    {
        Vector256<byte> mask0 = template->Mask0;
        Vector256<byte> mask1 = template->Mask1;
        for (ulong rest = pending; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Load(packets[i], mask0, mask1, out Vector256<byte> l0, out Vector256<byte> l1);
            ulong hash = KeyedHash.Hash64(l0, l1, (ulong)t);
            Prefetch.Read(index->Buckets + FirstBucket(index, hash));
            hashes[i] = hash;
        }

        ulong candidates = 0;
        for (ulong rest = pending; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            MergedHot* hot = First(index, hashes[i]);
            if (hot == null) continue;
            Prefetch.Read(hot);
            Prefetch.Read((byte*)hot + 64);
            hits[i] = hot;
            candidates |= 1UL << i;
        }

        for (ulong rest = candidates; rest != 0; rest &= rest - 1)
        {
            Interleaving.Step("key");
            int i = BitOperations.TrailingZeroCount(rest);
            Load(packets[i], mask0, mask1, out Vector256<byte> l0, out Vector256<byte> l1);
            MergedHot* hot = hits[i];
            if (((l0 ^ hot->Value0) | (l1 ^ hot->Value1)) != Vector256<byte>.Zero || hot->Template != t)
            {
                hot = Search(index, hashes[i], t, l0, l1, null, 0);
                hits[i] = hot;
            }

            if (hot != null) pending &= ~(1UL << i);
        }

        return pending;
    }

    private ulong ProbeWide(MergedIndex* index, MergedTemplate* template, int t, Packet** packets, ulong pending, MergedHot** hits)
    {
        Vector256<byte>* wide = stackalloc Vector256<byte>[FlowKey.LaneCount];
        for (ulong rest = pending; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Packet* p = packets[i];
            Load(p, template->Mask0, template->Mask1, out Vector256<byte> l0, out Vector256<byte> l1);
            ulong hash = KeyedHash.Hash64(l0, l1, (ulong)t);
            int n = 0;
            for (uint lanes = template->WideLanes; lanes != 0; lanes &= lanes - 1)
            {
                int lane = BitOperations.TrailingZeroCount(lanes);
                Vector256<byte> v = (p->KeyLanes & (1u << lane)) != 0 ? FlowKey.Lane(ref p->Key, lane) & template->Wide[n] : default;
                wide[n++] = v;
                hash = KeyedHash.Hash32(v, hash);
            }

            MergedHot* hot = Search(index, hash, t, l0, l1, wide, n);
            if (hot == null) continue;
            hits[i] = hot;
            pending &= ~(1UL << i);
        }

        return pending;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(Packet* p, Vector256<byte> mask0, Vector256<byte> mask1, out Vector256<byte> l0, out Vector256<byte> l1)
    {
        l0 = FlowKey.Lane(ref p->Key, Lanes.Link) & mask0;
        l1 = (p->KeyLanes & (1u << Lanes.Network)) != 0 ? FlowKey.Lane(ref p->Key, Lanes.Network) & mask1 : default;
    }

    /// <summary>The first rule with the hash's signature, unchecked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private MergedHot* First(MergedIndex* index, ulong hash)
    {
        MergedBucket* b = index->Buckets + FirstBucket(index, hash);
        uint found = Matches(b, hash);
        if (found == 0)
        {
            if (b->Spilled == 0) return null;
            b = index->Buckets + SecondBucket(index, hash);
            found = Matches(b, hash);
            if (found == 0) return null;
        }

        uint slot = b->Slot[BitOperations.TrailingZeroCount(found)];
        return slot == 0 ? null : _rules + (slot - 1);
    }

    /// <summary>Ways whose signature fits and which are in use.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Matches(MergedBucket* b, ulong hash)
    {
        Interleaving.Step("signatures");
        Vector256<uint> same = Vector256.Equals(Vector256.Load(b->Signature), Vector256.Create(SignatureOf(hash)));
        Interleaving.Step("slots");
        Vector256<uint> used = ~Vector256.Equals(Vector256.Load(b->Slot), Vector256<uint>.Zero);
        return (same & used).ExtractMostSignificantBits() & ((1u << MergedBucket.Ways) - 1);
    }

    /// <summary>Compares every candidate in both buckets.</summary>
    private MergedHot* Search(MergedIndex* index, ulong hash, int t, Vector256<byte> l0, Vector256<byte> l1, Vector256<byte>* wide, int wideCount)
    {
        MergedBucket* b = index->Buckets + FirstBucket(index, hash);
        for (int choice = 0; choice < 2; choice++)
        {
            for (uint found = Matches(b, hash); found != 0; found &= found - 1)
            {
                uint slot = b->Slot[BitOperations.TrailingZeroCount(found)];
                if (slot == 0) continue;
                MergedHot* hot = _rules + (slot - 1);
                if (hot->Template != t || ((l0 ^ hot->Value0) | (l1 ^ hot->Value1)) != Vector256<byte>.Zero) continue;
                bool same = true;
                for (int n = 0; n < wideCount && same; n++) same = hot->Wide[n] == wide[n];
                if (same) return hot;
            }

            if (b->Spilled == 0) return null;
            b = index->Buckets + SecondBucket(index, hash);
        }

        return null;
    }
}
