using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Lookup;

/// <summary>
/// Exact-match cache (OVS EMC): masked hot lanes to a megaflow. One 64-byte line per entry, four entries per bucket.
/// </summary>
/// <remarks>
/// <code>
/// entry  [0..31] lane 0   [32..63] lane 1 with, in bytes the lane leaves unused,
///        [34..37] megaflow id + 1 (0 = empty)   [38..39] low half of the megaflow's generation   [58..61] epoch
/// </code>
/// The key is the packet's lanes ANDed with the union of all megaflow masks: bits that no megaflow consults cannot change the
/// answer, so a flow whose TTL or TCP flags vary keeps one entry. Two things make entries stale. When the union changes the epoch moves, and every
/// entry is stale at once; the epoch is part of the compared bytes, so that costs no compare of its own. When a megaflow ends its generation
/// moves, and only its own entries are stale: who finds an entry compares the generation with that in <see cref="MegaflowHot"/>, a word of the line that is
/// read anyway. Sixteen bits come round after 65,536 steps: <see cref="MegaflowTable.GenerationTurns"/> moves the epoch before they can be mistaken.
/// Only packets whose consulted lanes are the two hot ones are cached here (<see cref="FlowKey.HotLanes"/>).
/// </remarks>
public sealed unsafe partial class ExactMatchCache : IDisposable
{
    /// <summary>Entries by default: 2^18, 16 MiB. Larger than OVS's 8,192 because a miss costs a tuple-space search.</summary>
    public const int DefaultEntryCount = 1 << 18;

    private const int EntryBytes = 64;
    private const int Ways = 4;

    /// <summary>Of the word that has the id in its bits 0..31 and the generation in 32..47; read as part of the 8 bytes at <see cref="WordOffset"/>.</summary>
    private const int WordShift = 16;
    private const int WordOffset = Lanes.SizeBytes;
    private const int IdOffset = 34;
    private const int GenerationOffset = 38;
    private const int EpochOffset = 58;
    private const uint RecentCount = 64;

    private readonly PinnedBlock _block;
    private readonly byte* _entries;
    private readonly byte** _recent;
    private readonly ulong _entryMask;
    private bool _disposed;
    private uint _epoch;
    private Vector256<byte> _epochLane;

    /// <summary>Allocates <paramref name="entryCount"/> entries (a power of two, at least 4).</summary>
    public ExactMatchCache(int entryCount = DefaultEntryCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(entryCount, Ways);
        if (!int.IsPow2(entryCount)) throw new ArgumentException("entry count must be a power of two", nameof(entryCount));
        _block = PinnedMemory.Allocate((nuint)entryCount * EntryBytes, 64, wantHugePages: true);
        _entries = _block.Pointer;
        _entryMask = (ulong)entryCount - Ways;
        _recent = (byte**)NativeMemory.Alloc(RecentCount, (nuint)sizeof(byte*));
        for (uint i = 0; i < RecentCount; i++) _recent[i] = _entries;
        SetEpoch(1);
    }

    private static Vector256<byte> IdClear
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256.Create(0xffffUL, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue).AsByte();
    }

    /// <summary>Brings the bucket of <paramref name="hash"/> into the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(ulong hash)
    {
        // The first two ways: a hit is further back for one entry in twenty at half load.
        byte* e = _entries + ((hash & _entryMask) * EntryBytes);
        Native.Prefetch.Read(e);
        Native.Prefetch.Read(e + EntryBytes);
    }

    /// <summary>What is cached for the masked lanes, or <see cref="CachedMegaflow.None"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public CachedMegaflow Lookup(Vector256<byte> lane0, Vector256<byte> lane1, ulong hash)
    {
        byte* e = _entries + ((hash & _entryMask) * EntryBytes);
        Vector256<byte> probe1 = lane1 | _epochLane;
        if (IsMatch(e, lane0, probe1)) return Read(e);
        return LookupRest(e, lane0, probe1);
    }

    /// <summary>
    /// Asks the entry that the last packet of this <paramref name="recircId"/> hit, before anything is hashed: after <c>ct</c>, packet after packet of
    /// a port gives the same answer.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public CachedMegaflow LookupRecent(uint recircId, Vector256<byte> lane0, Vector256<byte> lane1)
    {
        byte* e = _recent[recircId % RecentCount];
        return IsMatch(e, lane0, lane1 | _epochLane) ? Read(e) : default;
    }

    /// <summary>As <see cref="Lookup"/>; what is found is asked first the next time.</summary>
    public CachedMegaflow LookupAndRemember(uint recircId, Vector256<byte> lane0, Vector256<byte> lane1, ulong hash)
    {
        byte* e = _entries + ((hash & _entryMask) * EntryBytes);
        Vector256<byte> probe1 = lane1 | _epochLane;
        for (int way = 0; way < Ways; way++, e += EntryBytes)
        {
            if (!IsMatch(e, lane0, probe1)) continue;
            _recent[recircId % RecentCount] = e;
            return Read(e);
        }

        return default;
    }

    /// <summary>Stores an entry: in its own place, a stale one, or a victim chosen by the hash.</summary>
    public void Insert(Vector256<byte> lane0, Vector256<byte> lane1, ulong hash, int megaflowId, uint generation)
    {
        byte* bucket = _entries + ((hash & _entryMask) * EntryBytes);
        Vector256<byte> probe1 = lane1 | _epochLane;
        byte* target = bucket + (((hash >> 40) & (Ways - 1)) * EntryBytes);
        for (int way = Ways - 1; way >= 0; way--)
        {
            byte* e = bucket + (way * EntryBytes);
            if (!IsCurrent(e)) target = e;
        }

        for (int way = 0; way < Ways; way++)
        {
            byte* e = bucket + (way * EntryBytes);
            if (IsMatch(e, lane0, probe1)) target = e;
        }

        Vector256.Store(lane0, target);
        Vector256.Store(probe1, target + Lanes.SizeBytes);
        *(int*)(target + IdOffset) = megaflowId + 1;
        *(ushort*)(target + GenerationOffset) = (ushort)generation;
    }

    /// <summary>Makes every entry stale.</summary>
    public void Invalidate()
    {
        if (_epoch == uint.MaxValue)
        {
            NativeClear();
            SetEpoch(1);
        }
        else
        {
            SetEpoch(_epoch + 1);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.Free(_recent);
        _block.Dispose();
    }

    private static CachedMegaflow LookupRest(byte* bucket, Vector256<byte> lane0, Vector256<byte> probe1)
    {
        for (byte* e = bucket + EntryBytes; e < bucket + (Ways * EntryBytes); e += EntryBytes)
        {
            if (IsMatch(e, lane0, probe1)) return Read(e);
        }

        return default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static CachedMegaflow Read(byte* e) => new(*(ulong*)(e + WordOffset) >> WordShift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsMatch(byte* e, Vector256<byte> lane0, Vector256<byte> probe1)
        => (((Vector256.Load(e + Lanes.SizeBytes) & IdClear) ^ probe1) | (Vector256.Load(e) ^ lane0)) == Vector256<byte>.Zero;

    private bool IsCurrent(byte* e) => *(uint*)(e + EpochOffset) == _epoch && *(int*)(e + IdOffset) != 0;

    internal void SetEpoch(uint epoch)
    {
        _epoch = epoch;
        _epochLane = Vector256.Create(0UL, 0UL, 0UL, (ulong)epoch << 16).AsByte();
    }

    /// <summary>Once per 2^32 changes of the union: at a thousand a second every 50 days, for the time that clearing the memory takes.</summary>
    private void NativeClear() => NativeMemory.Clear(_entries, (nuint)(_entryMask + Ways) * EntryBytes);
}
