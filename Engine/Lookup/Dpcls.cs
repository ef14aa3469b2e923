using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Lookup;

/// <summary>
/// Megaflow tuple-space search (OVS <c>struct dpcls</c>): one <see cref="DpclsSubtable"/> per distinct mask, tried in the order of their hits.
/// Megaflows never overlap with different results, so the first hit is the answer. The exception are tagged packets under
/// <see cref="Quirks.SharesTaggedMegaflows"/>: there the older mask wins, and how old a mask is counts per port, as Open vSwitch has a
/// classifier per port.
/// </summary>
public sealed unsafe class Dpcls : IDisposable
{
    private const int RankPeriod = 1 << 14;

    private readonly Dictionary<(FlowKeyHolder Mask, uint InPort), DpclsSubtable> _byMask = [];
    private readonly FlowKeyHolder _question = new(ref s_nothing);
    private static FlowKey s_nothing;
    private DpclsSubtable? _latest;
    private uint _latestPort;
    private DpclsSubtable[] _ranked = [];
    private FlowKey _union;
    private int _untilRank = RankPeriod;
    private bool _maskGone;

    /// <summary>OR of all megaflow masks inserted since the last <see cref="ShrinkUnion"/> that found one gone.</summary>
    public ref FlowKey Union => ref _union;

    /// <summary>Lanes in which <see cref="Union"/> has bits.</summary>
    public uint UnionLanes { get; private set; }

    /// <summary>Moves when <see cref="Union"/> changes.</summary>
    public uint UnionVersion { get; private set; }

    /// <summary>Number of subtables.</summary>
    public int SubtableCount => _ranked.Length;

    /// <summary>
    /// Megaflow id for the key, or -1. <paramref name="lanes"/> says which lanes of the key are valid; the others count as zero.
    /// <paramref name="probed"/> is increased by the number of subtables tried.
    /// </summary>
    public int Lookup(ref FlowKey key, uint lanes, ref ulong probed)
    {
        DpclsSubtable[] ranked = _ranked;
        for (int i = 0; i < ranked.Length; i++)
        {
            int id = ranked[i].Lookup(ref key, lanes);
            if (id >= 0)
            {
                probed += (ulong)i + 1;
                ranked[i].Hits++;
                if (--_untilRank <= 0) Rank();
                return id;
            }
        }

        probed += (ulong)ranked.Length;
        return -1;
    }

    /// <summary>
    /// Looks up all packets of <paramref name="pending"/>, subtable by subtable, so that the cache misses of one subtable overlap. Writes
    /// the ids of the found ones; returns the bits of the others.
    /// </summary>
    public uint LookupBatch(Packet** packets, uint pending, int* ids, ulong* hashes, ref ulong probed)
    {
        DpclsSubtable[] ranked = _ranked;
        for (int i = 0; i < ranked.Length && pending != 0; i++)
        {
            uint left = ranked[i].LookupBatch(packets, pending, ids, hashes);
            int found = System.Numerics.BitOperations.PopCount(pending ^ left);
            probed += (ulong)System.Numerics.BitOperations.PopCount(pending);
            ranked[i].Hits += (ulong)found;
            _untilRank -= found;
            pending = left;
        }

        if (_untilRank <= 0) Rank();
        return pending;
    }

    /// <summary>There is a subtable for this megaflow already.</summary>
    public bool HasSubtable(ref FlowKey mask, ref FlowKey fullKey) => Find(ref mask, PortOf(ref mask, ref fullKey)) is not null;

    /// <summary>Adds a megaflow.</summary>
    public void Insert(Megaflow m)
    {
        uint port = PortOf(ref m.Mask, ref m.Value);
        if (Find(ref m.Mask, port) is not { } subtable)
        {
            subtable = new DpclsSubtable(ref m.Mask);
            _byMask.Add((new FlowKeyHolder(ref m.Mask), port), subtable);
            _ranked = [.. _ranked, subtable];
            GrowUnion(ref m.Mask);
            (_latest, _latestPort) = (subtable, port);
        }

        subtable.Insert(ref m.Value, m.Id);
    }

    /// <summary>Removes a megaflow; an empty subtable goes too.</summary>
    public void Remove(Megaflow m)
    {
        uint port = PortOf(ref m.Mask, ref m.Value);
        if (Find(ref m.Mask, port) is not { } subtable) return;
        subtable.Remove(ref m.Value);
        if (subtable.Count > 0) return;
        _byMask.Remove((_question.Ask(ref m.Mask), port));
        _latest = null;
        _maskGone = true;
        Unrank(subtable);
        subtable.Dispose();
    }

    private void Unrank(DpclsSubtable subtable) => _ranked = [.. _ranked.Where(s => s != subtable)];

    /// <summary>
    /// Shrinks the union to the masks that exist, if some have gone since the last time. For the end of a sweep, not for each subtable: a union that changes
    /// makes the microflow cache stale.
    /// </summary>
    public void ShrinkUnion()
    {
        if (!_maskGone) return;
        _maskGone = false;
        FlowKey union = default;
        foreach (DpclsSubtable s in _ranked) FlowKey.Or(ref union, ref s.Mask, ref union);
        SetUnion(ref union);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DpclsSubtable s in _ranked) s.Dispose();
        _ranked = [];
        _byMask.Clear();
        _latest = null;
    }

    /// <summary>The subtable of a mask; megaflows come and go in runs of one mask, so the latest is asked first.</summary>
    private DpclsSubtable? Find(ref FlowKey mask, uint port)
    {
        if (_latest is { } latest && _latestPort == port && FlowKey.Same(ref latest.Mask, ref mask)) return latest;
        if (!_byMask.TryGetValue((_question.Ask(ref mask), port), out DpclsSubtable? subtable)) return null;
        (_latest, _latestPort) = (subtable, port);
        return subtable;
    }

    /// <summary>A subtable is a mask and, if overlapping megaflows can be in it, a port.</summary>
    private static uint PortOf(ref FlowKey mask, ref FlowKey key) => (mask.Vlan0Tci.Raw & key.Vlan0Tci.Raw) != 0 ? key.InPort.Raw & mask.InPort.Raw : 0;

    private void GrowUnion(ref FlowKey mask)
    {
        FlowKey grown = default;
        FlowKey.Or(ref _union, ref mask, ref grown);
        SetUnion(ref grown);
    }

    private void SetUnion(ref FlowKey union)
    {
        if (FlowKey.Same(ref union, ref _union)) return;
        _union = union;
        UnionLanes = FlowKey.LaneMap(ref _union);
        UnionVersion++;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Rank()
    {
        _untilRank = RankPeriod;
        // Insertion sort in place: nearly sorted, no allocation on the packet path.
        DpclsSubtable[] r = _ranked;
        for (int i = 1; i < r.Length; i++)
        {
            DpclsSubtable s = r[i];
            int j = i - 1;
            for (; j >= 0 && r[j].Hits < s.Hits; j--) r[j + 1] = r[j];
            r[j + 1] = s;
        }

        foreach (DpclsSubtable s in r) s.Hits >>= 1;
    }
}
