using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Lookup;

/// <summary>
/// The megaflows of one PMD: unmanaged hot records indexed by id, and beside them the managed cold objects, one per slot and reused.
/// </summary>
/// <remarks>
/// Written by the owning thread. Other threads may read a megaflow they learnt of through a ring as long as they announce their
/// quiescent points to <see cref="QuiescentState"/>: a deleted slot's program is freed, and the slot reused, only after all of them have passed one.
/// </remarks>
public sealed unsafe class MegaflowTable : IMegaflowSource, IMegaflowLedger, IDisposable
{
    private readonly PinnedBlock _hotBlock;
    private readonly PinnedBlock _creditBlock;
    private readonly MegaflowHot* _hot;
    private readonly MegaflowCredit* _credit;
    private readonly PinnedBlock _pinBlock;
    private readonly int* _pins;
    private readonly Stack<int> _free = new();
    private readonly Queue<(int Id, ulong Epoch)> _retired = new();
    private readonly QuiescentState _quiescent;

    private bool _disposed;
    private int _living;

    /// <summary>Megaflows that the latest purge has left for slices to take out, and the epoch in which it began.</summary>
    private int _purged;
    private uint _purgedIn;
    private long _added;

    /// <summary>Grows; other threads learn of a megaflow after the array that has it was stored.</summary>
    private Megaflow?[] _cold = new Megaflow?[256];

    /// <summary>Room for <paramref name="capacity"/> megaflows (OVS flow-limit, 200,000 by default).</summary>
    public MegaflowTable(int capacity, QuiescentState quiescent)
    {
        _quiescent = quiescent;
        Capacity = capacity;
        _hotBlock = PinnedMemory.Allocate((nuint)capacity * (nuint)sizeof(MegaflowHot), 64, wantHugePages: true);
        _creditBlock = PinnedMemory.Allocate((nuint)capacity * (nuint)sizeof(MegaflowCredit), 64, wantHugePages: false);
        _hot = (MegaflowHot*)_hotBlock.Pointer;
        _credit = (MegaflowCredit*)_creditBlock.Pointer;
        _pinBlock = PinnedMemory.Allocate((nuint)capacity * sizeof(int), 64, wantHugePages: false);
        _pins = (int*)_pinBlock.Pointer;
    }

    /// <summary>Most megaflows there can be.</summary>
    public int Capacity { get; }

    /// <summary>Living megaflows; those of before the latest purge are not among them.</summary>
    public int Count => _living - _purged;

    /// <summary>The tables have changed, and megaflows whose <see cref="MegaflowHot.TrueIn"/> is not <see cref="Epoch"/> may contradict them: none is used before it was looked at.</summary>
    public bool IsInDoubt { get; internal set; }

    /// <summary>
    /// Looks at a megaflow in doubt that a packet has found, at a time, ms; false if it is gone.
    /// </summary>
    internal Func<int, long, bool>? LookAtHit { get; set; }

    /// <summary>Number of the latest change that put megaflows in doubt.</summary>
    public uint Epoch { get; internal set; }

    /// <summary>From now on all megaflows that there are count as gone: no packet uses one, no dump shows one; slices take them out. The table is in doubt.</summary>
    internal void Purge()
    {
        _purgedIn = ++Epoch;
        _purged = _living;
    }

    /// <summary>A purge was about it, and nobody has taken it out yet.</summary>
    internal bool IsPurged(Megaflow m) => _purged > 0 && (int)(m.Hot->TrueIn - _purgedIn) < 0;

    /// <summary>
    /// Moves when the low half of some slot's generation comes round to 0, which takes 32,768 users of that slot: who remembers an id with 16 bits of its
    /// generation must forget all then.
    /// </summary>
    public uint GenerationTurns { get; private set; }

    /// <summary>One past the highest slot ever used.</summary>
    public int HighWater { get; private set; }

    /// <summary>Hot record of a slot.</summary>
    public MegaflowHot* HotOf(int id) => _hot + id;

    /// <summary>The living megaflow in a slot, or null.</summary>
    public Megaflow? this[int id]
    {
        get
        {
            Megaflow?[] cold = Volatile.Read(ref _cold);
            return (uint)id < (uint)cold.Length && cold[id] is { Dead: false } m ? m : null;
        }
    }

    /// <summary>The megaflow that has, or had, a slot below <see cref="HighWater"/>: dead ones may still be credited.</summary>
    internal Megaflow Slot(int id) => _cold[id]!;

    /// <summary>Called with a deleted megaflow just before its slot is reused: its last chance to report its counters.</summary>
    public Action<Megaflow>? Reclaiming { get; set; }

    /// <inheritdoc/>
    public Megaflow? Find(int id) => this[id];

    /// <inheritdoc/>
    public bool IsCurrent(int megaflowId, uint generation)
    {
        Interleaving.Step("L2");
        return Find(megaflowId) is { } m && Volatile.Read(ref m.Generation) == generation;
    }

    /// <inheritdoc/>
    public bool TryRetain(int megaflowId, uint generation)
    {
        // Pin first, check then: the owner does not reuse a pinned slot, so what the check sees stays.
        Interleaving.Atomic("P1 pin");
        Interlocked.Increment(ref _pins[megaflowId]);
        Interleaving.Step("P2 current");
        if (IsCurrent(megaflowId, generation)) return true;
        Interlocked.Decrement(ref _pins[megaflowId]);
        return false;
    }

    /// <inheritdoc/>
    public void Release(int megaflowId, uint generation)
    {
        Interleaving.Atomic("P4 unpin");
        Interlocked.Decrement(ref _pins[megaflowId]);
    }

    /// <inheritdoc/>
    public void Credit(int megaflowId, uint generation, ulong packets, ulong bytes, long lastUsedMs)
    {
        MegaflowCredit* c = _credit + megaflowId;
        Interleaving.Step("P3 credit");
        if (lastUsedMs > c->LastUsedMs) Volatile.Write(ref c->LastUsedMs, lastUsedMs);
        Volatile.WriteBarrier();
        CombinedCounter.Add(ref c->Counter, packets, bytes);
        Credited += new BookTotals(packets, bytes);
    }

    /// <summary>Everything that was ever credited.</summary>
    public BookTotals Credited { get; private set; }

    /// <summary>Takes a slot and fills it; null when the table is full.</summary>
    /// <param name="fullKey">Key of the packet that causes it.</param>
    /// <param name="mask">The bits that the program depends on.</param>
    /// <param name="program">What its packets get.</param>
    /// <param name="nowMs">Time, ms.</param>
    public Megaflow? Add(ref FlowKey fullKey, ref FlowKey mask, in MegaflowProgram program, long nowMs)
    {
        if (!_free.TryPop(out int id))
        {
            if (HighWater == Capacity) return null;
            id = HighWater++;
            if (id == _cold.Length) Grow();
        }

        Megaflow m = _cold[id] ??= new Megaflow { Id = id, Rules = [], RecircIds = [] };
        MoveGeneration(m);
        m.Dead = false;
        m.FullKey = fullKey;
        m.Mask = mask;
        FlowKey.And(ref fullKey, ref m.Mask, ref m.Value);
        m.Hot = _hot + id;
        DpAction* reusable = m.Hot->Actions;
        *m.Hot = default;
        _credit[id] = default;
        m.Hot->Id = id;
        m.Hot->TrueIn = Epoch;
        m.CreatedMs = nowMs;
        m.Order = ++_added;
        m.Hot->LastUsedMs = nowMs;
        m.SettledPackets = m.SettledBytes = 0;
        m.HasReported = m.IsGiven = m.IsUnchecked = false;
        m.GivenUfid = null;
        m.Inherited = default;
        SetProgram(m, program, reusable);
        _living++;
        return m;
    }

    /// <summary>Marks a megaflow dead; its slot comes back once every reader has passed a quiescent point.</summary>
    public void Delete(Megaflow m)
    {
        if (m.Dead) return;
        if (IsPurged(m)) _purged--;
        Interleaving.Step("D1 dead");
        m.Dead = true;
        m.Hot->Dead = 1;
        MoveGeneration(m);
        m.Hot->Generation = m.Generation;
        _living--;
        _retired.Enqueue((m.Id, _quiescent.Begin()));
    }

    /// <summary>Frees what no reader can see any more, up to <paramref name="most"/> megaflows.</summary>
    public void Reclaim(int most = int.MaxValue)
    {
        for (int n = Math.Min(_retired.Count, most); n > 0 && _retired.TryPeek(out (int Id, ulong Epoch) r); n--)
        {
            // Those behind it were deleted later.
            if (!_quiescent.HasPassed(r.Epoch)) return;
            _retired.Dequeue();
            if (IsPinned(r.Id))
            {
                _retired.Enqueue(r);
                continue;
            }

            Reclaiming?.Invoke(_cold[r.Id]!);
            _free.Push(r.Id);
        }
    }

    private bool IsPinned(int id)
    {
        Interleaving.Step("D3 pins");
        return Volatile.Read(ref _pins[id]) != 0;
    }

    /// <summary>Living megaflows, in slot order.</summary>
    public IEnumerable<Megaflow> All()
    {
        for (int i = 0; i < HighWater; i++)
        {
            if (this[i] is { } m) yield return m;
        }
    }

    /// <summary>Deleted megaflows that may still be credited.</summary>
    public IEnumerable<Megaflow> Retiring() => _retired.Select(r => _cold[r.Id]!);

    /// <summary>Packets and bytes of a megaflow: software plus hardware credits, a packet always with its bytes. For the owning thread.</summary>
    public (ulong Packets, ulong Bytes, long LastUsedMs) CountersOf(Megaflow m)
    {
        MegaflowCredit* c = _credit + m.Id;
        (ulong packets, ulong bytes) = CombinedCounter.Read(ref c->Counter);
        return (m.Hot->Packets + packets, m.Hot->Bytes + bytes, Math.Max(m.Hot->LastUsedMs, Volatile.Read(ref c->LastUsedMs)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        for (int i = 0; i < HighWater; i++) NativeMemory.Free(_hot[i].Actions);
        _hotBlock.Dispose();
        _creditBlock.Dispose();
        _pinBlock.Dispose();
    }

    private void Grow()
    {
        Megaflow?[] grown = _cold;
        Array.Resize(ref grown, Math.Min(Capacity, _cold.Length * 2));
        Volatile.Write(ref _cold, grown);
    }

    private void MoveGeneration(Megaflow m)
    {
        if ((ushort)++m.Generation == 0) GenerationTurns++;
    }

    /// <summary>From now on these rules carry the statistics.</summary>
    internal static void Follow(Megaflow m, in MegaflowProgram program)
    {
        m.Rules = Kept(m.Rules, program.Rules);
        m.Groups = Kept(m.Groups, program.Groups);
        m.Learned = Kept(m.Learned, program.Learned);
        m.LearnedRules = Kept(m.LearnedRules, program.LearnedRules);
        m.FinTimeouts = Kept(m.FinTimeouts, program.FinTimeouts);
    }

    /// <summary>Writes a program to <paramref name="reusable"/>, the memory of the slot's last user, if it is there and large enough.</summary>
    private static void SetProgram(Megaflow m, in MegaflowProgram program, DpAction* reusable)
    {
        ReadOnlySpan<DpAction> actions = program.Actions;
        if (reusable == null || m.ProgramCapacity < actions.Length)
        {
            NativeMemory.Free(reusable);
            m.ProgramCapacity = Math.Max(1, actions.Length);
            reusable = (DpAction*)NativeMemory.Alloc((nuint)m.ProgramCapacity, DpAction.SizeBytes);
        }

        actions.CopyTo(new Span<DpAction>(reusable, actions.Length));
        Follow(m, program);
        m.RecircIds = Kept(m.RecircIds, program.RecircIds);
        m.FromSlowPath = program.FromSlowPath;
        m.IsSlowByOrder = program.IsSlowByOrder;
        m.TagsOverlap = program.TagsOverlap;
        m.TagIsOpen = program.TagIsOpen;
        MegaflowHot* hot = m.Hot;
        hot->Actions = reusable;
        hot->ActionCount = actions.Length;
        hot->Generation = m.Generation;
        hot->Shape = ProgramShapes.Classify(actions, out hot->OutPort);
    }

    /// <summary>The same array with other content where the length allows it: megaflows of one kind follow each other in a slot.</summary>
    private static T[] Kept<T>(T[] array, ReadOnlySpan<T> content)
    {
        if (array.Length != content.Length) return content.ToArray();
        content.CopyTo(array);
        return array;
    }
}
