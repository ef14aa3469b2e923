using System.Runtime.InteropServices;

namespace Mergeflow.Nic;


/// <summary>A rule in unmanaged memory: this header of 80 bytes, then <see cref="OpCount"/> records of <see cref="NicOp"/>.</summary>
/// <remarks>
/// Counters are written by the receiving threads and read by the queue's thread. A snapshot is the value at the start of the refresh
/// epoch <see cref="SnapshotEpoch"/>: the first hit of a new epoch takes it before it counts itself, so nothing has to walk all rules.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct RuleBlock
{
    public const int SizeBytes = 80;

    [FieldOffset(0)] public ulong Handle;
    [FieldOffset(8)] public long Hits;
    [FieldOffset(16)] public long Bytes;
    [FieldOffset(24)] public long LastHitNs;
    [FieldOffset(32)] public long SnapshotHits;
    [FieldOffset(40)] public long SnapshotBytes;
    [FieldOffset(48)] public long SnapshotLastHitNs;
    [FieldOffset(56)] public long SnapshotEpoch;
    [FieldOffset(64)] public int OpCount;
    [FieldOffset(68)] public byte MinTtl;
    [FieldOffset(69)] public bool Counts;

    /// <summary>Allocates and fills a block; free it with <see cref="Free"/>.</summary>
    public static RuleBlock* Allocate(ulong handle, CompiledRule rule)
    {
        var block = (RuleBlock*)NativeMemory.AlignedAlloc((nuint)(SizeBytes + (rule.Ops.Length * NicOp.SizeBytes)), 64);
        *block = new RuleBlock { Handle = handle, OpCount = rule.Ops.Length, MinTtl = rule.MinTtl, Counts = rule.Counts, LastHitNs = -1, SnapshotLastHitNs = -1, SnapshotEpoch = -1 };
        rule.Ops.CopyTo(OpsOf(block));
        return block;
    }

    public static void Free(RuleBlock* block) => NativeMemory.AlignedFree(block);

    /// <summary>The actions.</summary>
    public static Span<NicOp> OpsOf(RuleBlock* block) => new((byte*)block + SizeBytes, block->OpCount);

    /// <summary>Counts a frame. <paramref name="epoch"/> is the refresh epoch of <paramref name="nowNs"/>.</summary>
    public static void Hit(RuleBlock* block, int lengthBytes, long nowNs, long epoch)
    {
        long seen = Volatile.Read(ref block->SnapshotEpoch);
        if (seen < epoch && Interlocked.CompareExchange(ref block->SnapshotEpoch, epoch, seen) == seen)
        {
            block->SnapshotHits = Volatile.Read(ref block->Hits);
            block->SnapshotBytes = Volatile.Read(ref block->Bytes);
            block->SnapshotLastHitNs = Volatile.Read(ref block->LastHitNs);
        }
        Interlocked.Increment(ref block->Hits);
        Interlocked.Add(ref block->Bytes, lengthBytes);
        block->LastHitNs = nowNs;
    }

    /// <summary>Counters at the start of <paramref name="epoch"/>.</summary>
    public static NicCounters At(RuleBlock* block, long epoch)
    {
        if (!block->Counts) return new NicCounters(0, 0, -1);
        return Volatile.Read(ref block->SnapshotEpoch) < epoch ? Live(block)
            : new NicCounters((ulong)block->SnapshotHits, (ulong)block->SnapshotBytes, block->SnapshotLastHitNs);
    }

    /// <summary>Counters as they are.</summary>
    public static NicCounters Live(RuleBlock* block)
        => block->Counts ? new NicCounters((ulong)Volatile.Read(ref block->Hits), (ulong)Volatile.Read(ref block->Bytes), Volatile.Read(ref block->LastHitNs))
            : new NicCounters(0, 0, -1);
}
