using System.Numerics;
using System.Runtime.CompilerServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// The index where several threads change it. A thread locks the bucket, or an entry's two buckets in the order of their addresses, for a few stores: <see cref="ConnBucket.Version"/> is odd
/// meanwhile. Searches take no lock. What a search has found it looks at under the record's lock; if it found nothing, the versions of the buckets tell whether
/// an entry has moved from where it had not looked to where it had.
/// </remarks>
internal sealed unsafe partial class ConnTable
{
    /// <summary>The version of a bucket that nobody changes at the moment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ReadVersion<S>(ConnBucket* bucket)
        where S : struct, IConnSync
    {
        if (!S.ChecksMisses) return 0;
        SpinWait spin = default;
        while (true)
        {
            Interleaving.Step("V1 version");
            uint version = Volatile.Read(ref bucket->Version);
            if ((version & 1) == 0) return version;
            ConnSpin.Once(ref spin, "V1 wait");
        }
    }

    /// <summary>Is everything that was read of the bucket since of one moment?</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsVersion<S>(ConnBucket* bucket, uint version)
        where S : struct, IConnSync
    {
        if (!S.ChecksMisses) return true;
        Volatile.ReadBarrier();
        Interleaving.Step("V2 version");
        return Volatile.Read(ref bucket->Version) == version;
    }

    private static void Lock(ConnBucket* bucket)
    {
        SpinWait spin = default;
        while (true)
        {
            Interleaving.Atomic("V3 lock");
            uint version = Volatile.Read(ref bucket->Version);
            if ((version & 1) == 0 && Interlocked.CompareExchange(ref bucket->Version, version + 1, version) == version) return;
            ConnSpin.Once(ref spin, "V3 wait");
        }
    }

    private static void Unlock(ConnBucket* bucket)
    {
        Interleaving.Step("V4 unlock");
        Volatile.Write(ref bucket->Version, bucket->Version + 1);
    }

    private static void LockBoth(ConnBucket* a, ConnBucket* b)
    {
        Lock(a < b ? a : b);
        if (a != b) Lock(a < b ? b : a);
    }

    private static void UnlockBoth(ConnBucket* a, ConnBucket* b)
    {
        Unlock(a);
        if (a != b) Unlock(b);
    }

    private bool InsertEntryShared(ulong hash, int id, ConnSlots by)
    {
        ushort signature = ConnBucket.SignatureOf(hash);
        uint index = (uint)hash & _view.BucketMask, mateIndex = _view.MateOf(index, signature);
        ConnBucket* bucket = _view.Bucket(index), mate = _view.Bucket(mateIndex);

        // As a rule there is room, and no other entry looks the same: then the mate is not needed.
        Lock(bucket);
        bool isPlain = ConnBucket.Matches(bucket, signature) == 0 && bucket->Overflow == 0 && TryPlace(index, signature, (uint)id);
        Unlock(bucket);
        if (isPlain) return true;

        while (true)
        {
            LockBoth(bucket, mate);
            bool isPlaced = TryPlace(index, signature, (uint)id);
            if (!isPlaced && TryPlace(mateIndex, signature, (uint)id | ConnBucket.MovedBit))
            {
                bucket->Overflow++;
                isPlaced = true;
            }

            if (isPlaced) BringForward<SharedSync>(index, signature, id, by);
            UnlockBoth(bucket, mate);
            if (isPlaced) return true;
            if (!MakeRoomShared(mateIndex) && !MakeRoomShared(index)) return false;
        }
    }

    /// <summary>Moves one entry of a full bucket to its other bucket; true also if there was room already.</summary>
    private bool MakeRoomShared(uint index)
    {
        ConnBucket* bucket = _view.Bucket(index);
        for (int slot = 0; slot < ConnBucket.SlotCount; slot++)
        {
            ushort signature = bucket->Signatures[slot];
            uint mate = _view.MateOf(index, signature);
            if (mate == index && signature != 0) continue;
            ConnBucket* other = _view.Bucket(mate);
            LockBoth(bucket, other);
            bool isMade = ConnBucket.Matches(bucket, 0) != 0 || (bucket->Signatures[slot] == signature && TryMove(index, slot, mate));
            UnlockBoth(bucket, other);
            if (isMade) return true;
        }

        return false;
    }

    private void RemoveEntryShared(ulong hash, int id)
    {
        ushort signature = ConnBucket.SignatureOf(hash);
        uint index = (uint)hash & _view.BucketMask;
        ConnBucket* bucket = _view.Bucket(index), mate = _view.Bucket(_view.MateOf(index, signature));
        Lock(bucket);
        bool isTaken = Take(bucket, signature, (uint)id);
        Unlock(bucket);
        if (isTaken) return;

        // In the mate, or it comes from there at this moment: with both locked it stands still.
        LockBoth(bucket, mate);
        if (!Take(bucket, signature, (uint)id) && Take(mate, signature, (uint)id | ConnBucket.MovedBit)) bucket->Overflow--;
        UnlockBoth(bucket, mate);
    }
}
