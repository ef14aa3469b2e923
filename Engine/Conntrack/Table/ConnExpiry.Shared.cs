using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// The search where other threads change the table. 1. It reads the version of the bucket. 2. What looks like the tuple it locks, and looks at again: the slot may be another
/// connection's by now. 3. If there was nothing, the version must not have moved; else it begins again. The same for the mate.
/// </remarks>
internal sealed unsafe partial class ConnExpiry
{
    /// <summary>What one bucket said.</summary>
    private enum Met
    {
        Nothing,

        /// <summary>The connection, or a ghost; it is held.</summary>
        Connection,

        /// <summary>One that had expired: the search has changed the table itself.</summary>
        Expired,
    }

    private int FindShared<S>(in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, ulong hash, long nowMs, out bool reply)
        where S : struct, IConnSync
    {
        ushort signature = ConnBucket.SignatureOf(hash);
        ConnBucket* bucket = _view.Bucket(hash);
        while (true)
        {
            uint version = ConnTable.ReadVersion<S>(bucket);
            Met met = FindIn<S>(bucket, signature, key, src6, dst6, nowMs, out int id, out reply);
            if (met == Met.Connection) return id;
            if (met == Met.Expired) continue;
            if (bucket->Overflow != 0)
            {
                ConnBucket* mate = _view.Bucket(_view.MateOf((uint)hash & _view.BucketMask, signature));
                uint mateVersion = ConnTable.ReadVersion<S>(mate);
                met = FindIn<S>(mate, signature, key, src6, dst6, nowMs, out id, out reply);
                if (met == Met.Connection) return id;
                if (met == Met.Expired || !ConnTable.IsVersion<S>(mate, mateVersion)) continue;
            }

            if (ConnTable.IsVersion<S>(bucket, version)) return 0;
        }
    }

    private Met FindIn<S>(ConnBucket* bucket, ushort signature, in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, long nowMs, out int id, out bool reply)
        where S : struct, IConnSync
    {
        Interleaving.Step("F1 signatures");
        for (uint hits = ConnBucket.Matches(bucket, signature); hits != 0; hits &= hits - 1)
        {
            Interleaving.Step("F2 id");
            id = (int)(Volatile.Read(ref bucket->Ids[System.Numerics.BitOperations.TrailingZeroCount(hits)]) & ~ConnBucket.MovedBit);
            if (!IsAt(id, key, src6, dst6, out reply)) continue;
            ConnRecord* c = _view.Conn(id);
            _lock.Take<S>(c);
            if ((c->Flags & ConnFlags.Live) != 0 && IsAt(id, key, src6, dst6, out reply))
            {
                if (nowMs < c->ExpiryMs) return Met.Connection;
                bool wasGhost = (c->Flags & ConnFlags.Ghost) != 0;
                if (ExpireFound<S>(id, reply, nowMs))
                {
                    id = -id;
                    return Met.Connection;
                }

                // A ghost that stays is not in this one's way.
                bool isGhost = (c->Flags & ConnFlags.Ghost) != 0;
                _lock.Release<S>(c);
                if (wasGhost && isGhost) continue;
                return Met.Expired;
            }

            _lock.Release<S>(c);
        }

        id = 0;
        reply = false;
        return Met.Nothing;
    }

    /// <summary>Is it one of the record's tuples? Without the lock the answer holds for no moment, but a connection that stays is never overlooked.</summary>
    private bool IsAt(int id, in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, out bool reply)
    {
        ConnRecord* c = _view.Conn(id);
        reply = !ConnKey.Same(c->Fwd, key);
        if (reply && !ConnKey.Same(c->Rev, key)) return false;
        return (key.Aux & ConnKey.AuxIpv6) == 0 || _view.SameAddresses(id, *src6, *dst6, ref reply);
    }
}
