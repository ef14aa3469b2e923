using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Native;

namespace Mergeflow.Engine;

/// <summary>
/// Exact-match cache (OVS EMC): masked hot lanes to megaflow id. One 64-byte line per entry, four entries per bucket.
/// </summary>
/// <remarks>
/// <code>
/// entry  [0..31] lane 0   [32..63] lane 1 with, in bytes the lane leaves unused,
///        [34..37] megaflow id + 1 (0 = empty)   [58..59] epoch
/// </code>
/// The key is the packet's lanes ANDed with the union of all megaflow masks: bits that no megaflow consults cannot change the
/// answer, so a flow whose TTL or TCP flags vary keeps one entry. When the union grows, or a megaflow slot is reused, the epoch
/// moves and every entry is stale at once; the epoch is part of the compared bytes, so staleness costs no extra compare.
/// Only packets whose consulted lanes are the two hot ones are cached here (<see cref="FlowKey.HotLanes"/>).
/// </remarks>
public sealed unsafe class ExactMatchCache : IDisposable
{
    /// <summary>Entries by default: 2^18, 16 MiB. Larger than OVS's 8,192 because a miss costs a tuple-space search.</summary>
    public const int DefaultEntryCount = 1 << 18;

    private const int EntryBytes = 64;
    private const int Ways = 4;
    private const int IdOffset = 34;
    private const int EpochOffset = 58;
    private const uint RecentCount = 64;

    private readonly PinnedBlock _block;
    private readonly byte* _entries;
    private readonly byte** _recent;
    private readonly ulong _entryMask;
    private bool _disposed;
    private ushort _epoch;
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
        get => Vector256.Create(ulong.MaxValue & ~0x0000_ffff_ffff_0000UL, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue).AsByte();
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

    /// <summary>Megaflow id for the masked lanes, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Lookup(Vector256<byte> lane0, Vector256<byte> lane1, ulong hash)
    {
        byte* e = _entries + ((hash & _entryMask) * EntryBytes);
        Vector256<byte> probe1 = lane1 | _epochLane;
        if (IsMatch(e, lane0, probe1)) return *(int*)(e + IdOffset) - 1;
        return LookupRest(e, lane0, probe1);
    }

    /// <summary>
    /// Asks the entry that the last packet of this <paramref name="recircId"/> hit, before anything is hashed: after <c>ct</c>, packet after packet of
    /// a port gives the same answer. Megaflow id, or -1.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LookupRecent(uint recircId, Vector256<byte> lane0, Vector256<byte> lane1)
    {
        byte* e = _recent[recircId % RecentCount];
        return IsMatch(e, lane0, lane1 | _epochLane) ? *(int*)(e + IdOffset) - 1 : -1;
    }

    /// <summary>As <see cref="Lookup"/>; what is found is asked first the next time.</summary>
    public int LookupAndRemember(uint recircId, Vector256<byte> lane0, Vector256<byte> lane1, ulong hash)
    {
        byte* e = _entries + ((hash & _entryMask) * EntryBytes);
        Vector256<byte> probe1 = lane1 | _epochLane;
        for (int way = 0; way < Ways; way++, e += EntryBytes)
        {
            if (!IsMatch(e, lane0, probe1)) continue;
            _recent[recircId % RecentCount] = e;
            return *(int*)(e + IdOffset) - 1;
        }

        return -1;
    }

    /// <summary>Stores an entry: in its own place, a stale one, or a victim chosen by the hash.</summary>
    public void Insert(Vector256<byte> lane0, Vector256<byte> lane1, ulong hash, int megaflowId)
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
        Vector256.Store(probe1, target + 32);
        *(int*)(target + IdOffset) = megaflowId + 1;
    }

    /// <summary>Makes every entry stale.</summary>
    public void Invalidate()
    {
        if (_epoch == ushort.MaxValue)
        {
            NativeClear();
            SetEpoch(1);
        }
        else
        {
            SetEpoch((ushort)(_epoch + 1));
        }
    }

    /// <summary>Number of entries of the current epoch (walks the table; for reports).</summary>
    public int CountCurrent()
    {
        int n = 0;
        for (ulong i = 0; i < _entryMask + Ways; i++)
        {
            if (IsCurrent(_entries + (i * EntryBytes))) n++;
        }
        return n;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.Free(_recent);
        _block.Dispose();
    }

    private static int LookupRest(byte* bucket, Vector256<byte> lane0, Vector256<byte> probe1)
    {
        for (byte* e = bucket + EntryBytes; e < bucket + (Ways * EntryBytes); e += EntryBytes)
        {
            if (IsMatch(e, lane0, probe1)) return *(int*)(e + IdOffset) - 1;
        }

        return -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsMatch(byte* e, Vector256<byte> lane0, Vector256<byte> probe1)
        => (((Vector256.Load(e + 32) & IdClear) ^ probe1) | (Vector256.Load(e) ^ lane0)) == Vector256<byte>.Zero;

    private bool IsCurrent(byte* e) => *(ushort*)(e + EpochOffset) == _epoch && *(int*)(e + IdOffset) != 0;

    private void SetEpoch(ushort epoch)
    {
        _epoch = epoch;
        _epochLane = Vector256.Create(0UL, 0UL, 0UL, (ulong)epoch << 16).AsByte();
    }

    private void NativeClear() => NativeMemory.Clear(_entries, (nuint)(_entryMask + Ways) * EntryBytes);
}
