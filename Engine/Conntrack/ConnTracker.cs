using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The connection tracker: the semantics of Open vSwitch 3.1.0's user-space conntrack over unmanaged memory. One thread calls it;
/// <see cref="GenerationOf"/>, <see cref="IsOffloadable"/>, <see cref="Credit"/> and the offload marks may come from one other thread.
/// </summary>
/// <remarks>
/// <code>
/// packet -> key (16 bytes) -> symmetric hash -> bucket (64 bytes: 8 signatures, 8 ids) -> ConnRecord[id] (2 lines: both tuples, TCP, mark, label)
/// </code>
/// A connection without NAT has one entry, found from both directions because the hash is symmetric; NAT that changes the tuple adds a
/// second entry. Ids are slots: <see cref="ConnRecord.Generation"/> tells two users of a slot, and two states of one user, apart.
/// </remarks>
public sealed unsafe partial class ConnTracker : IDisposable
{
    private readonly int _capacity;
    private readonly ConnRecord* _conns;
    private readonly ConnCold* _cold;
    private readonly ConnAddresses* _addresses;
    private readonly ConnBucket* _buckets;
    private readonly uint _bucketMask;
    private readonly ConnHash _hash;
    private readonly ConnKeyReader _keys;
    private readonly Quirks _quirks;
    private readonly ConnMemory _memory = new();
    private readonly ZoneLimits _zones;
    private readonly TimeoutPolicies _timeouts;

    /// <summary>
    /// An index up to this size is on huge pages from the start. Connections hit a larger one all over, so that on huge pages a few of them would take all of
    /// its memory, and the time to clear it.
    /// </summary>
    private const nuint MaxHugeIndexBytes = 16 << 20;

    /// <summary>So many connections have touched most base pages of any index: huge ones pay from then on.</summary>
    private const int HugeIndexFrom = 1 << 18;
    private readonly PinnedBlock _bucketBlock;

    private ulong _random;
    private int _freeHead;

    /// <summary>Slots whose connection has ended while a merged rule could still be credited for it, oldest first.</summary>
    private int _retiredHead;
    private int _retiredTail;
    private int _highWater = 1;
    private int _count;
    private bool _disposed;

    /// <summary>See <see cref="ConntrackOptions.Quirks"/>.</summary>
    public Quirks Quirks => _quirks;

    /// <summary>Builds an empty tracker.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is not within 1..16,777,216.</exception>
    public ConnTracker(ConntrackOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CapacityConnections, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.CapacityConnections, ConntrackOptions.MaxCapacityConnections, nameof(options));

        _capacity = options.CapacityConnections;
        _sweepMs = options.SweepMs;
        _quirks = options.Quirks;
        ulong seed = options.Seed != 0 ? options.Seed : ProcessSeed.For("conntrack");
        _hash = new ConnHash(seed);
        _keys = new ConnKeyReader(_hash);
        _random = seed | 1;

        // Every connection may need two entries; at three quarters of two entries each, both buckets of an entry are hardly ever full.
        uint buckets = Math.Max(8, (uint)BitPow2((ulong)_capacity * 2 * 4 / 3 / ConnBucket.SlotCount));
        _bucketMask = buckets - 1;
        nuint indexBytes = (nuint)buckets * ConnBucket.SizeBytes;
        _bucketBlock = _memory.Reserve(indexBytes, wantHugePages: indexBytes <= MaxHugeIndexBytes);
        _buckets = (ConnBucket*)_bucketBlock.Pointer;
        _conns = _memory.Reserve<ConnRecord>(_capacity + 1);
        _cold = _memory.Reserve<ConnCold>(_capacity + 1);
        _addresses = _memory.Reserve<ConnAddresses>(_capacity + 1);
        _wheel = _memory.Reserve<int>(WheelSlotCount);
        _zones = new ZoneLimits(_memory, _quirks);
        _expectations = _memory.Reserve<CtExpectation>(MaxExpectations + 1);
        _expectationChains = _memory.Reserve<int>(ExpectationChains);
        _timeouts = new TimeoutPolicies(_memory, options.TimeoutPolicies);

        // Slot 0 stands for "none": its tuples equal no packet's.
        new Span<byte>(_conns, ConnRecord.SizeBytes).Fill(0xff);

        TcpSeqChk = options.TcpSeqChk;
        _defragmenter = new Defragmenter(options, seed);
    }

    /// <summary>Told about changes of connections that merged rules depend on; null = nobody.</summary>
    public IConnObserver? Observer { get; set; }

    /// <summary>What the times of <see cref="Step"/> are taken by; packets come with steady times.</summary>
    public SteadyClock Clock { get; init; } = new();

    /// <summary>Check TCP sequence numbers.</summary>
    public bool TcpSeqChk { get; set; }

    /// <summary>Connections in the table, expired ones that were not swept yet included.</summary>
    public int Count => _count;

    /// <summary>Most connections the table takes.</summary>
    public int Capacity => _capacity;

    /// <summary>Memory reserved, in bytes; the system provides it page by page as connections appear.</summary>
    public ulong ReservedBytes => _memory.ReservedBytes;

    /// <summary>Packets that could not create a connection because the table or the zone was full, or NAT found no free tuple.</summary>
    public ulong RefusedConnections => RefusedByFullTable + RefusedByZoneLimit + RefusedByNat;

    /// <summary>Those for which the table was full (<see cref="ConntrackOptions.CapacityConnections"/>): the packet goes on as <c>+new</c>, and no answer to it is known.</summary>
    public ulong RefusedByFullTable { get; private set; }

    /// <summary>Those for which their zone was full.</summary>
    public ulong RefusedByZoneLimit { get; private set; }

    /// <summary>Those for which NAT found no free tuple.</summary>
    public ulong RefusedByNat { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _defragmenter.Dispose();
        _memory.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ConnRecord* Conn(int id) => _conns + id;

    /// <summary>Takes a slot; 0 = the table is full.</summary>
    private int AllocateConn()
    {
        if (_freeHead == 0 && _highWater > _capacity) FreeRetired(StepBudget);
        int id = _freeHead;
        if (id != 0)
        {
            _freeHead = _cold[id].Next;
        }
        else
        {
            if (_highWater > _capacity) return 0;
            id = _highWater++;
            if (id == HugeIndexFrom) _bucketBlock.PreferHugePages();
        }
        _count++;
        return id;
    }

    /// <summary>Takes a connection out of every structure; its generation moves.</summary>
    private void RemoveConn(int id)
    {
        ConnRecord* c = Conn(id);
        if ((c->Flags & ConnFlags.Ghost) == 0) RemoveEntry(_hash.OfKey(c->Fwd), id);
        if ((c->Flags & ConnFlags.TwoEntries) != 0) RemoveEntry(_hash.OfKey(c->Rev), id);
        WheelUnlink(id);
        if ((c->Flags & ConnFlags.HasAlg) != 0) ForgetExpectations(id);
        if ((c->Flags & ConnFlags.Admitted) != 0) _zones.Leave(c, _cold + id);
        c->Flags = ConnFlags.None;
        c->ExpiryMs = 0;
        c->Birth++;
        _count--;
        if (Invalidate(id)) Retire(id);
        else Free(id);
    }

    /// <summary>
    /// Moves the generation and tells the observer if a merged rule depends on the connection. True if one does, or did a moment ago: the offload
    /// side marks a connection, then compares its generation; by the fences of both sides either the mark is seen here or the new generation there.
    /// </summary>
    private bool Invalidate(int id)
    {
        uint generation = Conn(id)->Generation + 1;
        Interleaving.Store(ref Unsafe.As<uint, int>(ref Conn(id)->Generation), (int)generation, "K1 generation");

        // The load below must not pass the store above; only where there is an offload side.
        IConnObserver? observer = Observer;
        if (observer is not null) Interleaving.Fence("K2 fence");
        Interleaving.Step("K3 marks");
        if (Volatile.Read(ref _cold[id].OffloadRefs) <= 0) return false;
        observer?.OnConnInvalidated(id, generation);
        return true;
    }

    private void Free(int id)
    {
        _cold[id].Next = _freeHead;
        _freeHead = id;
    }

    /// <summary>The slot waits until no merged rule can be credited for its connection any more.</summary>
    private void Retire(int id)
    {
        _cold[id].Next = 0;
        if (_retiredHead == 0) _retiredHead = id;
        else _cold[_retiredTail].Next = id;
        _retiredTail = id;
    }

    /// <summary>Frees retired slots without marks, after a look at no more than <paramref name="budget"/>; returns how many.</summary>
    private int FreeRetired(int budget)
    {
        int freed = 0;
        int last = _retiredTail;
        for (; budget > 0 && _retiredHead != 0; budget--)
        {
            int id = _retiredHead;
            _retiredHead = _cold[id].Next;
            if (Volatile.Read(ref _cold[id].OffloadRefs) > 0)
            {
                Retire(id);
            }
            else
            {
                Free(id);
                freed++;
            }

            if (id == last) break;
        }

        return freed;
    }

    /// <summary>Is there a slot, perhaps one of a connection that has expired?</summary>
    private bool HasRoom(long nowMs)
        => _freeHead != 0 || _highWater <= _capacity || FreeRetired(StepBudget) > 0 || Turn(nowMs, StepBudget) > 0;

    private uint NextRandom()
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (uint)(_random >> 32);
    }

    private static ulong BitPow2(ulong value) => System.Numerics.BitOperations.RoundUpToPowerOf2(value);

    [DoesNotReturn]
    private static void ThrowBadConnId(int connId) => throw new ArgumentOutOfRangeException(nameof(connId), connId, "There is no connection with this id.");
}
