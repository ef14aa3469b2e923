using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>Finding a connection, and asking for its lines ahead of time.</remarks>
internal readonly unsafe partial struct ConnView
{
    /// <summary>Asks for the bucket of <paramref name="hash"/> ahead of time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(ulong hash)
    {
        Native.Prefetch.Read(Bucket(hash));
    }

    /// <summary>Asks for the record that <paramref name="hash"/> most likely leads to; its bucket should be at hand.</summary>
    /// <param name="hash">From <see cref="ConnThread.HashOf"/>.</param>
    /// <param name="ipv6">The addresses will be needed too.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchConn(ulong hash, bool ipv6 = false)
    {
        ConnBucket* bucket = Bucket(hash);
        uint hits = ConnBucket.Matches(bucket, ConnBucket.SignatureOf(hash));
        if (hits == 0) return;
        int id = (int)(bucket->Ids[BitOperations.TrailingZeroCount(hits)] & ~ConnBucket.MovedBit);
        PrefetchId(id);
        if (ipv6) Native.Prefetch.Read(_addresses + id);
    }

    /// <summary>Asks for the record of a connection that a merged rule names, ahead of <see cref="ConnThread.TryFastHit"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchId(int connId)
    {
        if ((uint)connId > (uint)Capacity) return;
        byte* record = (byte*)Conn(connId);
        Native.Prefetch.Read(record);

        // A line that another thread writes, too, is better fetched once, with the right to write, when this one does.
        if (_keepWords == null || ConnLock.IsKeptBySomebody(_keepWords[connId])) Native.Prefetch.Read(record + 64);
    }

    /// <summary>First record with this tuple in the first bucket; 0 = look further the general way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindFirst(in ConnKey key, ulong hash, out bool reply) => FindIn(Bucket(hash), _conns, key, hash, out reply);

    /// <summary>Holds pointers, not the view: they stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FindIn(ConnBucket* bucket, ConnRecord* conns, in ConnKey key, ulong hash, out bool reply)
    {
        Vector128<ulong> wanted = Vector128.Create(key.Addrs, key.Tail);
        for (uint hits = ConnBucket.Matches(bucket, ConnBucket.SignatureOf(hash)); hits != 0; hits &= hits - 1)
        {
            int id = (int)(bucket->Ids[BitOperations.TrailingZeroCount(hits)] & ~ConnBucket.MovedBit);
            ConnRecord* c = conns + id;
            reply = Vector128.Load((ulong*)&c->Rev) == wanted;
            if (Vector128.Load((ulong*)&c->Fwd) == wanted)
            {
                reply = false;
                return id;
            }
            if (reply) return id;
        }
        reply = false;
        return 0;
    }

    /// <summary>Begins a search for the connections one of whose tuples has this hash.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    [UnscopedRef]
    public Cursor Search(ulong hash) => new(in this, hash);

    /// <summary>Digests were equal; so must the addresses be. Two directions may have equal digests and different addresses.</summary>
    public bool SameAddresses(int id, in Ipv6Address src, in Ipv6Address dst, ref bool reply)
    {
        ConnAddresses* a = _addresses + id;
        if (!reply && a->FwdSrc == src && a->FwdDst == dst) return true;
        reply = true;
        return a->RevSrc == src && a->RevDst == dst;
    }

    /// <summary>
    /// Goes over the connections that have a tuple, expired ones too, the youngest first. What it has returned may be removed before it goes on.
    /// </summary>
    public ref struct Cursor
    {
        private readonly ref readonly ConnView _view;
        private readonly ulong _hash;
        private ConnBucket* _bucket;
        private uint _hits;
        private bool _isMate;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Cursor(ref readonly ConnView view, ulong hash)
        {
            _view = ref view;
            _hash = hash;
            _bucket = view.Bucket(hash);
            _hits = ConnBucket.Matches(_bucket, ConnBucket.SignatureOf(hash));
            _isMate = false;
        }

        /// <summary>The next one; false = there is none.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Next(in ConnKey key, Ipv6Address* src6, Ipv6Address* dst6, out int id, out bool reply)
        {
            while (true)
            {
                while (_hits != 0)
                {
                    id = (int)(_bucket->Ids[BitOperations.TrailingZeroCount(_hits)] & ~ConnBucket.MovedBit);
                    _hits &= _hits - 1;

                    // An entry that has been removed meanwhile leads to slot 0, whose tuples equal no packet's.
                    ConnRecord* c = _view.Conn(id);
                    reply = !ConnKey.Same(c->Fwd, key);
                    if (reply && !ConnKey.Same(c->Rev, key)) continue;
                    if ((key.Aux & ConnKey.AuxIpv6) != 0 && !_view.SameAddresses(id, *src6, *dst6, ref reply)) continue;
                    return true;
                }

                if (_isMate || _bucket->Overflow == 0) break;
                _isMate = true;
                ushort signature = ConnBucket.SignatureOf(_hash);
                _bucket = _view.Bucket(_view.MateOf((uint)_hash & _view._bucketMask, signature));
                _hits = ConnBucket.Matches(_bucket, signature);
            }

            id = 0;
            reply = false;
            return false;
        }
    }
}
