using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>A rule in unmanaged memory: this header of 80 bytes, then <see cref="OpCount"/> records of <see cref="NicOp"/>.</summary>
/// <remarks>
/// Counters are written by the receiving threads and read by the queue's thread. A snapshot is the value at the start of the refresh
/// epoch <see cref="SnapshotEpoch"/>: the first hit of a new epoch takes it before it counts itself, so nothing has to walk all rules.
/// <code>
/// receiver                                              query
/// S1  SnapshotEpoch is older: claim it (Taking)         Q1  read SnapshotEpoch; Taking -> wait
/// S2  copy the counters                                 Q2  older than asked for: read the counters,
/// S3  publish: SnapshotEpoch = the new one                  else the snapshot
/// S4  count: bytes, then hits                           Q3  SnapshotEpoch has moved -> again from Q1
/// </code>
/// A receiver that meets Taking waits too: its own frame must not get into the snapshot. Hits are read before bytes and written after them, so a
/// query may be ahead in bytes, never in hits: what is missing comes with the hit.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal unsafe struct RuleBlock
{
    public const int SizeBytes = 80;

    /// <summary>A receiver is copying the counters.</summary>
    private const long Taking = long.MinValue;

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
        if (Volatile.Read(ref block->SnapshotEpoch) < epoch) TakeSnapshot(block, epoch);
        Interleaving.Atomic("S4");
        Volatile.Write(ref block->LastHitNs, nowNs);
        Interlocked.Add(ref block->Bytes, lengthBytes);
        Interleaving.Atomic("S4 hits");
        Interlocked.Increment(ref block->Hits);
    }

    /// <summary>Counters at the start of <paramref name="epoch"/>.</summary>
    public static NicCounters At(RuleBlock* block, long epoch)
    {
        if (!block->Counts) return new NicCounters(0, 0, -1);
        var spin = new SpinWait();
        for (; ; )
        {
            Interleaving.Step("Q1");
            long taken = Volatile.Read(ref block->SnapshotEpoch);
            if (taken == Taking)
            {
                Interleaving.Wait(ref spin, "Q1 wait");
                continue;
            }

            Interleaving.Step("Q2");
            NicCounters counters = taken < epoch ? Live(block)
                : new NicCounters((ulong)block->SnapshotHits, (ulong)block->SnapshotBytes, block->SnapshotLastHitNs);
            Interleaving.Step("Q3");
            if (Volatile.Read(ref block->SnapshotEpoch) == taken) return counters;
        }
    }

    /// <summary>Counters as they are.</summary>
    public static NicCounters Live(RuleBlock* block)
    {
        if (!block->Counts) return new NicCounters(0, 0, -1);
        long hits = Volatile.Read(ref block->Hits);
        Interleaving.Step("Q2 bytes");
        return new NicCounters((ulong)hits, (ulong)Volatile.Read(ref block->Bytes), Volatile.Read(ref block->LastHitNs));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TakeSnapshot(RuleBlock* block, long epoch)
    {
        var spin = new SpinWait();
        for (; ; )
        {
            long seen = Volatile.Read(ref block->SnapshotEpoch);
            if (seen == Taking)
            {
                Interleaving.Wait(ref spin, "S1 wait");
                continue;
            }

            if (seen >= epoch) return;
            Interleaving.Atomic("S1");
            if (Interlocked.CompareExchange(ref block->SnapshotEpoch, Taking, seen) == seen) break;
        }

        Interleaving.Step("S2 hits");
        block->SnapshotHits = Volatile.Read(ref block->Hits);
        Interleaving.Step("S2 bytes");
        block->SnapshotBytes = Volatile.Read(ref block->Bytes);
        block->SnapshotLastHitNs = Volatile.Read(ref block->LastHitNs);
        Interleaving.Step("S3");
        Volatile.Write(ref block->SnapshotEpoch, epoch);
    }
}
