using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnTracker
{
    /// <summary>Asks for the bucket of <paramref name="hash"/> ahead of time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(ulong hash)
    {
        Native.Prefetch.Read(_buckets + ((uint)hash & _bucketMask));
    }

    /// <summary>Asks for the record that <paramref name="hash"/> most likely leads to; its bucket should be at hand.</summary>
    /// <param name="hash">From <see cref="HashOf"/>.</param>
    /// <param name="ipv6">The addresses will be needed too.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchConn(ulong hash, bool ipv6 = false)
    {
        ConnBucket* bucket = _buckets + ((uint)hash & _bucketMask);
        uint hits = Matches(bucket, SignatureOf(hash));
        if (hits == 0) return;
        int id = (int)(bucket->Ids[BitOperations.TrailingZeroCount(hits)] & ~ConnBucket.MovedBit);
        PrefetchId(id);
        if (ipv6) Native.Prefetch.Read(_addresses + id);
    }

    /// <summary>Asks for the record of a connection that a merged rule names, ahead of <see cref="TryFastHit"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchId(int connId)
    {
        if ((uint)connId > (uint)_capacity) return;
        byte* record = (byte*)Conn(connId);
        Native.Prefetch.Read(record);
        Native.Prefetch.Read(record + 64);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort SignatureOf(ulong hash) => (ushort)((hash >> 48) | 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Matches(ConnBucket* bucket, ushort signature)
        => Vector128.Equals(Vector128.Load(bucket->Signatures), Vector128.Create(signature)).ExtractMostSignificantBits();

    /// <summary>The other bucket of an entry; the mate of the mate is the bucket itself, so an entry can move knowing its signature only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint MateOf(uint bucket, ushort signature) => (bucket ^ (signature * 0x9e37_79b1u >> 7)) & _bucketMask;

    /// <summary>
    /// Finds the live connection one of whose tuples is <paramref name="key"/>; 0 = none, negative = a ghost has the tuple. Expired ones
    /// met on the way are removed.
    /// </summary>
    private int Find(in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, ulong hash, long nowMs, out bool reply)
    {
        ushort signature = SignatureOf(hash);
        uint index = (uint)hash & _bucketMask;
        ConnBucket* bucket = _buckets + index;
        for (int pass = 0; ; pass++)
        {
            uint hits = Matches(bucket, signature);
            while (hits != 0)
            {
                int id = (int)(bucket->Ids[BitOperations.TrailingZeroCount(hits)] & ~ConnBucket.MovedBit);
                hits &= hits - 1;
                ConnRecord* c = Conn(id);
                reply = !ConnKey.Same(c->Fwd, key);
                if (reply && !ConnKey.Same(c->Rev, key)) continue;
                if ((key.Aux & ConnKey.AuxIpv6) != 0 && !SameAddresses(id, *src6, *dst6, ref reply)) continue;
                if (nowMs >= c->ExpiryMs)
                {
                    if (id != 0 && ExpireFound(id, reply, nowMs)) return -id;
                    continue;
                }
                return id;
            }
            if (pass != 0 || bucket->Overflow == 0) break;
            bucket = _buckets + MateOf(index, signature);
        }
        reply = false;
        return 0;
    }

    private int Find(CtContext* cx, long nowMs, out bool reply) => Find(cx->Key, &cx->Src6, &cx->Dst6, cx->Hash, nowMs, out reply);

    /// <summary>Digests were equal; so must the addresses be. Two directions may have equal digests and different addresses.</summary>
    private bool SameAddresses(int id, in Ipv6Address src, in Ipv6Address dst, ref bool reply)
    {
        ConnAddresses* a = _addresses + id;
        if (!reply && a->FwdSrc == src && a->FwdDst == dst) return true;
        reply = true;
        return a->RevSrc == src && a->RevDst == dst;
    }

    /// <summary>
    /// Adds an entry; false if both buckets are full and nothing in them can move. Two connections can have one tuple, a translated one as
    /// its original and another as its reply; the younger is found, as in OVS, so it goes in front.
    /// </summary>
    private bool InsertEntry(ulong hash, int id)
    {
        if (!PlaceEntry(hash, id)) return false;
        ushort signature = SignatureOf(hash);
        uint index = (uint)hash & _bucketMask;
        ConnBucket* bucket = _buckets + index;
        uint same = Matches(bucket, signature);
        if (same == 0 || BitOperations.PopCount(same) > 1 || bucket->Overflow != 0) BringForward(index, signature, id);
        return true;
    }

    private void BringForward(uint index, ushort signature, int id)
    {
        uint carried = (uint)id;
        bool isInFront = false;
        ConnBucket* bucket = _buckets + index;
        for (int pass = 0; pass < 2; pass++, bucket = _buckets + MateOf(index, signature))
        {
            for (uint hits = Matches(bucket, signature); hits != 0; hits &= hits - 1)
            {
                uint* slot = bucket->Ids + BitOperations.TrailingZeroCount(hits);
                // Others that merely share the signature may live here as guests from another bucket: they stay.
                if ((*slot & ConnBucket.MovedBit) != (pass == 0 ? 0 : ConnBucket.MovedBit)) continue;
                uint found = *slot & ~ConnBucket.MovedBit;
                if (!isInFront) *slot = carried | (*slot & ConnBucket.MovedBit);
                if (found == (uint)id)
                {
                    isInFront = true;
                    continue;
                }

                // What a merged rule says of its tuple is not what a search would find from now on, whether it moved back or always stood behind.
                Invalidate((int)found);
                carried = found;
            }
        }
    }

    private bool PlaceEntry(ulong hash, int id)
    {
        ushort signature = SignatureOf(hash);
        uint index = (uint)hash & _bucketMask;
        if (TryPlace(index, signature, (uint)id)) return true;
        uint mate = MateOf(index, signature);
        if (TryPlace(mate, signature, (uint)id | ConnBucket.MovedBit) || (MakeRoom(mate) && TryPlace(mate, signature, (uint)id | ConnBucket.MovedBit)))
        {
            _buckets[index].Overflow++;
            return true;
        }
        return MakeRoom(index) && TryPlace(index, signature, (uint)id);
    }

    private bool TryPlace(uint index, ushort signature, uint value)
    {
        ConnBucket* bucket = _buckets + index;
        uint free = Matches(bucket, 0);
        if (free == 0) return false;
        int slot = BitOperations.TrailingZeroCount(free);
        bucket->Signatures[slot] = signature;
        bucket->Ids[slot] = value;
        return true;
    }

    /// <summary>Moves one entry of a full bucket to its other bucket.</summary>
    private bool MakeRoom(uint index)
    {
        ConnBucket* bucket = _buckets + index;
        for (int slot = 0; slot < ConnBucket.SlotCount; slot++)
        {
            ushort signature = bucket->Signatures[slot];
            uint mate = MateOf(index, signature);
            if (mate == index || !TryPlace(mate, signature, bucket->Ids[slot] ^ ConnBucket.MovedBit)) continue;
            if ((bucket->Ids[slot] & ConnBucket.MovedBit) != 0) _buckets[mate].Overflow--;
            else bucket->Overflow++;
            bucket->Signatures[slot] = 0;
            bucket->Ids[slot] = 0;
            return true;
        }
        return false;
    }

    private void RemoveEntry(ulong hash, int id)
    {
        ushort signature = SignatureOf(hash);
        uint index = (uint)hash & _bucketMask;
        if (Take(_buckets + index, signature, (uint)id)) return;
        if (Take(_buckets + MateOf(index, signature), signature, (uint)id | ConnBucket.MovedBit)) _buckets[index].Overflow--;
    }

    private static bool Take(ConnBucket* bucket, ushort signature, uint value)
    {
        for (uint hits = Matches(bucket, signature); hits != 0; hits &= hits - 1)
        {
            int slot = BitOperations.TrailingZeroCount(hits);
            if (bucket->Ids[slot] != value) continue;
            bucket->Signatures[slot] = 0;
            bucket->Ids[slot] = 0;
            return true;
        }
        return false;
    }
}
