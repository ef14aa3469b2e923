using System.Numerics;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The connections: their records, the index that finds them by tuple, the slots that nobody has. Who only reads holds a <see cref="ConnView"/>. Packet
/// threads change it; what the offload side may touch of a slot are its generation, its marks, its time and what hardware counted.
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
    /// <summary>
    /// An index up to this size is on huge pages from the start. Connections hit a larger one all over, so that on huge pages a few of them would take all of
    /// its memory, and the time to clear it.
    /// </summary>
    private const nuint MaxHugeIndexBytes = 16 << 20;

    /// <summary>So many connections have touched most base pages of any index: huge ones pay from then on.</summary>
    private const int HugeIndexFrom = 1 << 18;

    private readonly ConnView _view;
    private readonly PinnedBlock _bucketBlock;
    private int _highWater = 1;

    public ConnTable(ConnMemory memory, int capacity, ulong seed, int threadCount)
    {
        // Every connection may need two entries; at three quarters of two entries each, both buckets of an entry are hardly ever full.
        uint buckets = Math.Max(8, (uint)BitOperations.RoundUpToPowerOf2((ulong)capacity * 2 * 4 / 3 / ConnBucket.SlotCount));
        nuint indexBytes = (nuint)buckets * ConnBucket.SizeBytes;
        _bucketBlock = memory.Reserve(indexBytes, wantHugePages: indexBytes <= MaxHugeIndexBytes);
        _view = new ConnView(memory, (ConnBucket*)_bucketBlock.Pointer, buckets - 1, capacity, seed, isShared: threadCount > 1);
        _passed = new int[threadCount + 1];
        BlockSize = Math.Clamp(capacity / (BlocksPerThread * threadCount), 1, MaxBlock);
    }

    /// <summary>What is read of the table.</summary>
    public ref readonly ConnView View => ref _view;
}
