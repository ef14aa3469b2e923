using System.Numerics;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The connections: their records, the index that finds them by tuple, the slots that are free. The packet thread changes it; what another thread may touch
/// of a slot are its generation, its marks and its time (<see cref="ConnOffload"/>).
/// </summary>
/// <remarks>
/// <code>
/// packet -> key (16 bytes) -> symmetric hash -> bucket (64 bytes: 8 signatures, 8 ids) -> ConnRecord[id] (2 lines: both tuples, TCP, mark, label)
/// </code>
/// A connection without NAT has one entry, found from both directions because the hash is symmetric; NAT that changes the tuple adds a
/// second entry. Ids are slots: <see cref="ConnRecord.Generation"/> tells two users of a slot, and two states of one user, apart.
/// </remarks>
internal sealed unsafe partial class ConnTable
{
    /// <summary>Retired slots that are looked at when one is wanted.</summary>
    private const int RetiredBudget = 256;

    /// <summary>
    /// An index up to this size is on huge pages from the start. Connections hit a larger one all over, so that on huge pages a few of them would take all of
    /// its memory, and the time to clear it.
    /// </summary>
    private const nuint MaxHugeIndexBytes = 16 << 20;

    /// <summary>So many connections have touched most base pages of any index: huge ones pay from then on.</summary>
    private const int HugeIndexFrom = 1 << 18;
    private readonly ConnRecord* _conns;
    private readonly ConnCold* _cold;
    private readonly ConnAddresses* _addresses;
    private readonly ConnBucket* _buckets;
    private readonly uint _bucketMask;
    private readonly int _capacity;
    private readonly ConnHash _hash;
    private readonly PinnedBlock _bucketBlock;

    public ConnTable(ConnMemory memory, int capacity, ulong seed)
    {
        _capacity = capacity;
        _hash = new ConnHash(seed);

        // Every connection may need two entries; at three quarters of two entries each, both buckets of an entry are hardly ever full.
        uint buckets = Math.Max(8, (uint)BitOperations.RoundUpToPowerOf2((ulong)_capacity * 2 * 4 / 3 / ConnBucket.SlotCount));
        _bucketMask = buckets - 1;
        nuint indexBytes = (nuint)buckets * ConnBucket.SizeBytes;
        _bucketBlock = memory.Reserve(indexBytes, wantHugePages: indexBytes <= MaxHugeIndexBytes);
        _buckets = (ConnBucket*)_bucketBlock.Pointer;
        _conns = memory.Reserve<ConnRecord>(_capacity + 1);
        _cold = memory.Reserve<ConnCold>(_capacity + 1);
        _addresses = memory.Reserve<ConnAddresses>(_capacity + 1);

        // Slot 0 stands for "none": its tuples equal no packet's.
        new Span<byte>(_conns, ConnRecord.SizeBytes).Fill(0xff);
    }

    /// <summary>Keyed hashes of tuples.</summary>
    public ref readonly ConnHash Hash => ref _hash;

    /// <inheritdoc cref="ConnTracker.Observer"/>
    public IConnObserver? Observer { get; set; }

    /// <inheritdoc cref="ConnTracker.Capacity"/>
    public int Capacity => _capacity;

    /// <inheritdoc cref="ConnTracker.Count"/>
    public int Count { get; private set; }

    /// <summary>Slots from this one on never had a connection.</summary>
    public int HighWater { get; private set; } = 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnRecord* Conn(int id) => _conns + id;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnCold* Cold(int id) => _cold + id;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ConnAddresses* Addresses(int id) => _addresses + id;
}
