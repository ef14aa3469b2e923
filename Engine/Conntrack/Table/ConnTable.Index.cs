using System.Numerics;
using Mergeflow.Engine.Actions;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>The index: an entry is a signature and an id, in its first bucket or in that bucket's mate.</remarks>
internal sealed unsafe partial class ConnTable
{
    /// <summary>
    /// Makes a connection known by both its tuples: by one entry if they are each other's reverse. False = there is no place for both entries.
    /// </summary>
    public bool Insert<S>(int id, ulong hash, ConnSlots by)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        if (!InsertEntry<S>(hash, id, by)) return false;
        if (HasOneTuple(c)) return true;
        ulong reverseHash = _view.Hash.OfKey(c->Rev);
        if (reverseHash == hash) return true;
        if (!InsertEntry<S>(reverseHash, id, by))
        {
            RemoveEntry<S>(hash, id);
            return false;
        }
        c->Flags |= ConnFlags.TwoEntries;
        return true;
    }

    /// <summary>Are the connection's tuples each other's reverse?</summary>
    public static bool HasOneTuple(ConnRecord* c) => c->Nat == NatKind.None && ConnKey.Same(c->Rev, c->Fwd.Reverse());

    /// <summary>
    /// Adds an entry; false if both buckets are full and nothing in them can move. Two connections can have one tuple, a translated one as
    /// its original and another as its reply; the younger is found, as in OVS, so it goes in front.
    /// </summary>
    private bool InsertEntry<S>(ulong hash, int id, ConnSlots by)
        where S : struct, IConnSync
    {
        if (S.IsShared) return InsertEntryShared(hash, id, by);
        if (!PlaceEntry(hash, id)) return false;
        ushort signature = ConnBucket.SignatureOf(hash);
        uint index = (uint)hash & _view.BucketMask;
        ConnBucket* bucket = _view.Bucket(index);
        uint same = ConnBucket.Matches(bucket, signature);
        if (same == 0 || BitOperations.PopCount(same) > 1 || bucket->Overflow != 0) BringForward<S>(index, signature, id, by);
        return true;
    }

    private void BringForward<S>(uint index, ushort signature, int id, ConnSlots by)
        where S : struct, IConnSync
    {
        uint carried = (uint)id;
        bool isInFront = false;
        ConnBucket* bucket = _view.Bucket(index);
        for (int pass = 0; pass < 2; pass++, bucket = _view.Bucket(_view.MateOf(index, signature)))
        {
            for (uint hits = ConnBucket.Matches(bucket, signature); hits != 0; hits &= hits - 1)
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
                by.Invalidate<S>((int)found);
                carried = found;
            }
        }
    }

    private bool PlaceEntry(ulong hash, int id)
    {
        ushort signature = ConnBucket.SignatureOf(hash);
        uint index = (uint)hash & _view.BucketMask;
        if (TryPlace(index, signature, (uint)id)) return true;
        uint mate = _view.MateOf(index, signature);
        if (TryPlace(mate, signature, (uint)id | ConnBucket.MovedBit) || (MakeRoom(mate) && TryPlace(mate, signature, (uint)id | ConnBucket.MovedBit)))
        {
            _view.Bucket(index)->Overflow++;
            return true;
        }
        return MakeRoom(index) && TryPlace(index, signature, (uint)id);
    }

    private bool TryPlace(uint index, ushort signature, uint value)
    {
        ConnBucket* bucket = _view.Bucket(index);
        uint free = ConnBucket.Matches(bucket, 0);
        if (free == 0) return false;
        int slot = BitOperations.TrailingZeroCount(free);
        Interleaving.Step("I1 signature");
        bucket->Signatures[slot] = signature;
        Interleaving.Step("I2 id");
        bucket->Ids[slot] = value;
        return true;
    }

    /// <summary>Moves one entry of a full bucket to its other bucket.</summary>
    private bool MakeRoom(uint index)
    {
        ConnBucket* bucket = _view.Bucket(index);
        for (int slot = 0; slot < ConnBucket.SlotCount; slot++)
        {
            ushort signature = bucket->Signatures[slot];
            uint mate = _view.MateOf(index, signature);
            if (mate != index && TryMove(index, slot, mate)) return true;
        }
        return false;
    }

    /// <summary>Moves an entry to its other bucket, <paramref name="mate"/>, if there is room.</summary>
    private bool TryMove(uint index, int slot, uint mate)
    {
        ConnBucket* bucket = _view.Bucket(index);
        uint value = bucket->Ids[slot];
        if (!TryPlace(mate, bucket->Signatures[slot], value ^ ConnBucket.MovedBit)) return false;
        if ((value & ConnBucket.MovedBit) != 0) _view.Bucket(mate)->Overflow--;
        else bucket->Overflow++;
        Interleaving.Step("I3 empty");
        bucket->Signatures[slot] = 0;
        bucket->Ids[slot] = 0;
        return true;
    }

    /// <summary>Takes an entry out.</summary>
    public void RemoveEntry<S>(ulong hash, int id)
        where S : struct, IConnSync
    {
        if (S.IsShared)
        {
            RemoveEntryShared(hash, id);
            return;
        }

        ushort signature = ConnBucket.SignatureOf(hash);
        uint index = (uint)hash & _view.BucketMask;
        if (Take(_view.Bucket(index), signature, (uint)id)) return;
        if (Take(_view.Bucket(_view.MateOf(index, signature)), signature, (uint)id | ConnBucket.MovedBit)) _view.Bucket(index)->Overflow--;
    }

    private static bool Take(ConnBucket* bucket, ushort signature, uint value)
    {
        for (uint hits = ConnBucket.Matches(bucket, signature); hits != 0; hits &= hits - 1)
        {
            int slot = BitOperations.TrailingZeroCount(hits);
            if (bucket->Ids[slot] != value) continue;
            Interleaving.Step("I4 empty");
            bucket->Signatures[slot] = 0;
            bucket->Ids[slot] = 0;
            return true;
        }
        return false;
    }
}
