using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// What is read of a <see cref="ConnTable"/>: where its memory is and how its tuples are hashed. A value: whoever packets pass keeps one, so that they read
/// from the object at hand.
/// </summary>
internal readonly unsafe partial struct ConnView
{
    /// <summary>Keyed hashes of tuples. A field: what a property returns is copied.</summary>
    public readonly ConnHash Hash;

    private readonly ConnRecord* _conns;
    private readonly ConnCold* _cold;
    private readonly ConnAddresses* _addresses;
    private readonly ConnBucket* _buckets;
    private readonly uint _bucketMask;
    private readonly ulong* _keepWords;

    /// <summary>Reserves the records of <paramref name="capacity"/> connections beside an index.</summary>
    public ConnView(ConnMemory memory, ConnBucket* buckets, uint bucketMask, int capacity, ulong seed, bool isShared)
    {
        _buckets = buckets;
        _bucketMask = bucketMask;
        _conns = memory.Reserve<ConnRecord>(capacity + 1);
        _cold = memory.Reserve<ConnCold>(capacity + 1);
        _addresses = memory.Reserve<ConnAddresses>(capacity + 1);
        _keepWords = isShared ? memory.Reserve<ulong>(capacity + 1) : null;
        Capacity = capacity;
        Hash = new ConnHash(seed);

        // Slot 0 stands for "none": its tuples equal no packet's.
        new Span<byte>(_conns, ConnRecord.SizeBytes).Fill(0xff);
    }

    /// <inheritdoc cref="ConnTracker.Capacity"/>
    public int Capacity { get; }

    /// <summary>The mask that makes a hash a bucket's number.</summary>
    public uint BucketMask => _bucketMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnRecord* Conn(int id) => _conns + id;

    /// <summary>Who keeps the record locked, see <see cref="ConnLock"/>. Only where threads share connections.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* KeepWord(ConnRecord* c) => _keepWords + ((nuint)((byte*)c - (byte*)_conns) / ConnRecord.SizeBytes);

    /// <summary>The same by the number of the connection.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong* KeepWord(int id) => _keepWords + id;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnCold* Cold(int id) => _cold + id;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnAddresses* Addresses(int id) => _addresses + id;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnBucket* Bucket(uint index) => _buckets + index;

    /// <summary>First bucket of a hash.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnBucket* Bucket(ulong hash) => _buckets + ((uint)hash & _bucketMask);

    /// <summary>The other bucket of an entry; the mate of the mate is the bucket itself, so an entry can move knowing its signature only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint MateOf(uint bucket, ushort signature) => (bucket ^ (signature * 0x9e37_79b1u >> 7)) & _bucketMask;
}
