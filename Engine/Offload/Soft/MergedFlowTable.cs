using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// The soft device's table: merged rules in unmanaged memory that a packet thread probes before anything else. Probing is in <c>.Probe</c>.
/// </summary>
/// <remarks>
/// <code>
/// masked lanes -> keyed hash -> bucket (1 line: 7 signatures, 7 slots; a second bucket if the first is full) -> MergedHot[slot]
/// </code>
/// One packet thread reads, one control thread writes. Protocol: 1. the writer fills a free slot; 2. writes the signature, then the slot number, in
/// an empty way of a bucket: the slot number is what publishes it, and x86 keeps stores in order; 3. to remove, it shuts the rule's gate and empties
/// the way; 4. it waits for a grace period; 5. it harvests the counters and frees the slot. A grown index replaces the old one with one store, and
/// the old one is freed after a grace period. A reader uses the index and slots only within one batch, and compares the whole key: a signature that is
/// older or newer than the slot number beside it gives a miss or a candidate that does not match, never a wrong hit.
/// </remarks>
public sealed unsafe partial class MergedFlowTable : IDisposable
{
    /// <summary>Rules per bucket at which the index grows; at that load an insert hardly ever finds both buckets full; then it grows earlier.</summary>
    private const int MaxLoad = 4;

    private readonly PinnedBlock _rulesBlock;
    private readonly PinnedBlock _templatesBlock;
    private readonly MergedHot* _rules;
    private readonly MergedTemplate* _templates;
    private readonly int[] _free;
    private readonly IGracePeriod _grace;
    private readonly Queue<(nint Index, ulong Point)> _oldIndexes = new();
    private readonly ulong[] _hashOf;
    private readonly ulong[] _templateIdleSince;
    private readonly bool[] _inUse;

    /// <summary><see cref="MergedFlow.Id"/> per slot.</summary>
    private readonly long[] _ruleIds;
    private nint _published;
    private int _freeCount;
    private int _templateCount;
    private readonly bool _sharesGates;
    private bool _disposed;

    /// <summary>An empty table.</summary>
    /// <param name="capacity">Most rules.</param>
    /// <param name="templateCapacity">Most masks, 1..64; each one costs a probe per packet that misses the earlier ones.</param>
    /// <param name="grace">When readers let go; null = single-threaded.</param>
    /// <param name="gates">What its rules stand behind, if several tables share that; not owned.</param>
    public MergedFlowTable(int capacity, int templateCapacity = 8, IGracePeriod? grace = null, RevocationGates? gates = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(templateCapacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(templateCapacity, 64);
        Capacity = capacity;
        TemplateCapacity = templateCapacity;
        _grace = grace ?? NoReaders.Instance;
        _sharesGates = gates is not null;
        Gates = gates ?? new RevocationGates(_grace);
        _rulesBlock = PinnedMemory.Allocate((nuint)capacity * MergedHot.SizeBytes, 64, wantHugePages: true);
        _templatesBlock = PinnedMemory.Allocate((nuint)templateCapacity * (nuint)sizeof(MergedTemplate), 64);
        _rules = (MergedHot*)_rulesBlock.Pointer;
        _templates = (MergedTemplate*)_templatesBlock.Pointer;
        _free = new int[capacity];
        for (int i = 0; i < capacity; i++) _free[i] = capacity - 1 - i;
        _freeCount = capacity;
        _hashOf = new ulong[capacity];
        _templateIdleSince = new ulong[templateCapacity];
        _inUse = new bool[capacity];
        _ruleIds = new long[capacity];
        _published = (nint)MergedIndex.Create(16);
    }

    /// <summary>Most rules.</summary>
    public int Capacity { get; }

    /// <summary>Most masks.</summary>
    public int TemplateCapacity { get; }

    /// <summary>Rules that can be hit.</summary>
    public int Count { get; private set; }

    /// <summary>What rules stand behind.</summary>
    public RevocationGates Gates { get; }

    /// <summary>The rule in a slot that <see cref="TryAdd"/> returned.</summary>
    public MergedHot* this[int slot] => _rules + slot;

    /// <summary>Whether a rule could be added; the reason if not.</summary>
    public OffloadReason Check(MergedFlow rule)
    {
        if (rule.Conns.Length > MergedHot.MaxConns) return OffloadReason.TraceTooDeep;
        if (FindTemplate(rule) < 0 && FreeTemplate() < 0) return OffloadReason.TemplateLimit;
        return _freeCount == 0 ? OffloadReason.TableFull : OffloadReason.None;
    }

    /// <summary>Adds a rule. Returns its slot, or -1 and the reason.</summary>
    public int TryAdd(MergedFlow rule, out OffloadReason reason)
    {
        FreeOldIndexes();
        reason = Check(rule);
        if (reason != OffloadReason.None) return -1;
        if (Count + 1 > (int)(Index->Mask + 1) * MaxLoad) Grow();
        int template = FindTemplate(rule);
        if (template < 0) template = MakeTemplate(rule);
        int slot = _free[--_freeCount];
        Fill(_rules + slot, rule, template);
        _ruleIds[slot] = rule.Id;
        ulong hash = HashOf(_rules + slot);
        _hashOf[slot] = hash;
        while (!Insert(Index, hash, slot))
        {
            // Only equal hashes can keep an index of that size from taking one more.
            if ((long)Index->Mask > 64L * Capacity)
            {
                FreeSlotMemory(_rules + slot);
                _free[_freeCount++] = slot;
                reason = OffloadReason.TableFull;
                return -1;
            }

            Grow();
        }

        Volatile.Write(ref _templates[template].RuleCount, _templates[template].RuleCount + 1);
        _inUse[slot] = true;
        Count++;
        return slot;
    }

    /// <summary>Step 3: no packet uses the rule from now on, except the one that is being processed.</summary>
    public void Unpublish(int slot)
    {
        MergedHot* hot = _rules + slot;
        Interleaving.Step("L5");
        Volatile.Write(ref hot->Gate, RevocationGates.Shut);
        ulong hash = _hashOf[slot];
        if (!Erase(Index, hash, slot)) ThrowSlot(slot);
        _inUse[slot] = false;
        MergedTemplate* template = _templates + hot->Template;
        template->RuleCount--;
        if (template->RuleCount == 0) _templateIdleSince[hot->Template] = _grace.Begin();
        Count--;
    }

    /// <summary>Step 5: gives the slot back. The caller has waited for a grace period after <see cref="Unpublish"/> and read the counters.</summary>
    public void Release(int slot)
    {
        FreeSlotMemory(_rules + slot);
        _free[_freeCount++] = slot;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        for (int i = 0; i < Capacity; i++) FreeSlotMemory(_rules + i);
        for (int i = 0; i < _templateCount; i++) NativeMemory.AlignedFree(_templates[i].Wide);
        while (_oldIndexes.TryDequeue(out (nint Index, ulong Point) old)) NativeMemory.AlignedFree((void*)old.Index);
        NativeMemory.AlignedFree(Index);
        if (!_sharesGates) Gates.Dispose();
        _rulesBlock.Dispose();
        _templatesBlock.Dispose();
    }

    private MergedIndex* Index => (MergedIndex*)_published;

    private void Fill(MergedHot* hot, MergedFlow rule, int template)
    {
        *hot = default;
        hot->Value0 = FlowKey.Lane(ref rule.Value, Lanes.Link);
        hot->Value1 = FlowKey.Lane(ref rule.Value, Lanes.Network);
        hot->Template = (byte)template;
        hot->Gate = rule.Gate;
        hot->RequiresCsum = rule.RequiresCsum ? (byte)1 : (byte)0;
        hot->ConnCount = (byte)rule.Conns.Length;
        hot->LastUsedMs = -1;
        for (int i = 0; i < rule.Conns.Length; i++)
        {
            *MergedHot.Conn(hot, i) = new ConnRef { ConnId = rule.Conns[i].ConnId, Generation = rule.Conns[i].Generation };
            if (rule.Conns[i].Reply) hot->ReplyBits |= (byte)(1 << i);
        }

        hot->Wide = CopyWide(ref rule.Value, _templates[template].WideLanes, _templates[template].WideCount);
        if (rule.Program.Length == 0)
        {
            hot->Shape = MergedShape.Drop;
            return;
        }

        if (MergedRewrite.TryPlan(rule, hot)) return;
        hot->Shape = MergedShape.General;
        hot->ActionCount = (ushort)rule.Program.Length;
        hot->Program = (DpAction*)NativeMemory.Alloc((nuint)rule.Program.Length, DpAction.SizeBytes);
        rule.Program.CopyTo(new Span<DpAction>(hot->Program, rule.Program.Length));
    }

    private static void FreeSlotMemory(MergedHot* hot)
    {
        NativeMemory.Free(hot->Program);
        NativeMemory.AlignedFree(hot->Wide);
        hot->Program = null;
        hot->Wide = null;
    }

    private static Vector256<byte>* CopyWide(ref FlowKey key, uint lanes, int count)
    {
        if (count == 0) return null;
        var copy = (Vector256<byte>*)NativeMemory.AlignedAlloc((nuint)(count * Lanes.SizeBytes), Lanes.SizeBytes);
        int n = 0;
        for (int i = Lanes.FirstWide; i < FlowKey.LaneCount; i++)
        {
            if ((lanes & (1u << i)) != 0) copy[n++] = FlowKey.Lane(ref key, i);
        }

        return copy;
    }

    private int FindTemplate(MergedFlow rule)
    {
        uint wide = FlowKey.LaneMap(ref rule.Mask) & ~FlowKey.HotLanes;
        for (int t = 0; t < _templateCount; t++)
        {
            MergedTemplate* m = _templates + t;
            if (m->WideLanes != wide || m->Mask0 != FlowKey.Lane(ref rule.Mask, Lanes.Link) || m->Mask1 != FlowKey.Lane(ref rule.Mask, Lanes.Network)) continue;
            int n = 0;
            bool same = true;
            for (int i = Lanes.FirstWide; i < FlowKey.LaneCount && same; i++)
            {
                if ((wide & (1u << i)) != 0) same = m->Wide[n++] == FlowKey.Lane(ref rule.Mask, i);
            }

            if (same) return t;
        }

        return -1;
    }

    private int FreeTemplate()
    {
        if (_templateCount < TemplateCapacity) return _templateCount;
        for (int t = 0; t < _templateCount; t++)
        {
            // Readers skip a template without rules; once they have all let go of its mask it can be replaced.
            if (_templates[t].RuleCount == 0 && _grace.HasPassed(_templateIdleSince[t])) return t;
        }

        return -1;
    }

    private int MakeTemplate(MergedFlow rule)
    {
        int t = FreeTemplate();
        MergedTemplate* m = _templates + t;
        uint wide = FlowKey.LaneMap(ref rule.Mask) & ~FlowKey.HotLanes;
        int count = System.Numerics.BitOperations.PopCount(wide);
        NativeMemory.AlignedFree(m->Wide);
        m->Wide = CopyWide(ref rule.Mask, wide, count);
        m->Mask0 = FlowKey.Lane(ref rule.Mask, Lanes.Link);
        m->Mask1 = FlowKey.Lane(ref rule.Mask, Lanes.Network);
        m->WideCount = count;
        m->WideLanes = wide;
        if (t == _templateCount) Volatile.Write(ref _templateCount, _templateCount + 1);
        return t;
    }

    [DoesNotReturn]
    private static void ThrowSlot(int slot) => throw new InvalidOperationException($"merged-flow table: slot {slot} is not published");
}
