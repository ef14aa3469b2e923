using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>What a translation yields (OVS <c>struct xlate_out</c> and its wildcards). Reusable; holds references on its recirculation ids until it is reset.</summary>
public sealed unsafe class XlateResult : IDisposable
{
    private DpAction* _actions;
    private int _capacity;
    private RecircStore? _store;

    /// <summary>Bits of the key that were consulted.</summary>
    public FlowKey Mask;

    /// <summary>Frees the program if nobody disposed it.</summary>
    ~XlateResult() => NativeMemory.Free(_actions);

    /// <summary>Number of records in the program.</summary>
    public int Count { get; private set; }

    /// <summary>The program; empty = drop. Valid until the next translation into this object.</summary>
    public ReadOnlySpan<DpAction> Actions => new(_actions, Count);

    /// <summary>The same, for code that holds pointers; null if there never was a record.</summary>
    internal DpAction* Records => _actions;

    /// <summary>Records that there is room for.</summary>
    internal int Capacity => _capacity;

    /// <summary>OpenFlow rules visited, one entry per visit.</summary>
    public List<OfRule> Rules { get; } = [];

    /// <summary>Counters of the groups and buckets that the packet went through, one entry per visit.</summary>
    public List<OfRuleStats> Groups { get; } = [];

    /// <summary>Recirculation ids the program refers to, one entry per mention. Whoever keeps the program longer acquires its own references.</summary>
    public List<uint> RecircIds { get; } = [];

    /// <summary>Addresses that <c>normal</c> learns from each packet of the megaflow.</summary>
    public List<LearnedAddress> Learned { get; } = [];

    /// <summary>Addresses that <c>normal</c> looked up: if one of them changes, the program may.</summary>
    public List<MacKey> AskedAddresses { get; } = [];

    /// <summary>Rules that <c>learn</c> adds for each packet of the megaflow.</summary>
    public List<LearnedRule> LearnedRules { get; } = [];

    /// <summary>Timeouts that end sooner when a packet of the megaflow ends a connection.</summary>
    public List<FinTimeout> FinTimeouts { get; } = [];

    /// <summary>The program depends on what the next packet learns: it is not kept (OVS <c>avoid_caching</c>).</summary>
    public bool IsUncertain { get; internal set; }

    /// <summary>
    /// Somebody beside the datapath sees each packet (a controller): software may cache the program, hardware may not.
    /// </summary>
    public bool SlowPath { get; internal set; }

    /// <summary>A rule has asked for that, by <c>debug_slow</c>.</summary>
    public bool IsSlowByOrder { get; internal set; }

    /// <summary>
    /// The program takes tags off or pushes one onto another without a look at whether there is a second one, as Open vSwitch does: for
    /// double-tagged packets other megaflows can match as well and say otherwise.
    /// </summary>
    public bool TagsOverlap { get; internal set; }

    /// <summary>
    /// The program depends on a tag that the mask does not have as a whole, as in Open vSwitch: it is what the first packet of the megaflow got, and
    /// no other table may repeat it.
    /// </summary>
    public bool TagIsOpen { get; internal set; }

    /// <summary>Tables that were looked up.</summary>
    internal VisitedTables Visited;

    /// <summary>Version of the tables that were used.</summary>
    public ulong TablesVersion { get; internal set; }

    /// <summary>Why the translation failed and the packet drops; null if it went well.</summary>
    public string? Error { get; internal set; }

    /// <summary>Set to a list to have the translation explained.</summary>
    public List<XlateStep>? Steps { get; set; }

    /// <summary>A packet counts for all rules and groups that it goes through.</summary>
    internal void CountPacket(int lengthBytes, long nowMs)
    {
        foreach (OfRule rule in Rules) rule.Stats.Add(1, (uint)lengthBytes, nowMs);
        foreach (OfRuleStats stats in Groups) stats.Add(1, (uint)lengthBytes, nowMs);
    }

    /// <summary>Of an explained translation: what the tables have made of the packet in the end.</summary>
    public PipelineFlow Final { get; internal set; }

    /// <summary>The same: its packet type, namespace in the upper half, number in the lower; 0 = Ethernet.</summary>
    public uint FinalType { get; internal set; }

    /// <summary>Of an explained translation: copies that go on in other tables when conntrack has seen them.</summary>
    public List<XlateFork> Forks { get; } = [];

    /// <summary>Drops the references on recirculation ids and empties the result.</summary>
    public void Reset()
    {
        ReleaseRecircIds();
        Rules.Clear();
        Groups.Clear();
        Learned.Clear();
        LearnedRules.Clear();
        FinTimeouts.Clear();
        IsUncertain = false;
        AskedAddresses.Clear();
        Steps?.Clear();
        Forks.Clear();
        Count = 0;
        SlowPath = IsSlowByOrder = false;
        TagsOverlap = TagIsOpen = false;
        Visited = VisitedTables.None;
        Error = null;
    }

    /// <summary>The same, and nothing is left of what it was used for: it may go to any other user.</summary>
    internal void Forget()
    {
        Reset();
        Mask = default;
        Final = default;
        TablesVersion = 0;
        Steps = null;
        _store = null;
    }

    /// <summary>Drops the references on recirculation ids: whoever keeps the program has its own, and the next translation may be far away.</summary>
    public void ReleaseRecircIds()
    {
        if (_store is not null)
        {
            foreach (uint id in RecircIds) _store.Release(id);
        }

        RecircIds.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Reset();
        NativeMemory.Free(_actions);
        _actions = null;
        _capacity = 0;
        GC.SuppressFinalize(this);
    }

    /// <summary>The store that <see cref="RecircIds"/> belong to.</summary>
    internal void Bind(RecircStore store) => _store = store;

    /// <summary>Appends a zeroed record.</summary>
    internal ref DpAction Add(DpOp op)
    {
        if (Count == _capacity)
        {
            _capacity = Math.Max(16, _capacity * 2);
            _actions = (DpAction*)NativeMemory.Realloc(_actions, (nuint)_capacity * DpAction.SizeBytes);
        }

        ref DpAction a = ref _actions[Count++];
        a = default;
        a.Op = op;
        return ref a;
    }

    /// <summary>Puts a zeroed record in front of record <paramref name="index"/>.</summary>
    internal ref DpAction Insert(int index, DpOp op)
    {
        Add(op);
        new Span<DpAction>(_actions + index, Count - 1 - index).CopyTo(new Span<DpAction>(_actions + index + 1, Count - 1 - index));
        ref DpAction a = ref _actions[index];
        a = default;
        a.Op = op;
        return ref a;
    }

    /// <summary>Record <paramref name="index"/>.</summary>
    internal ref DpAction At(int index) => ref _actions[index];

    /// <summary>Keeps the first <paramref name="count"/> records.</summary>
    internal void Truncate(int count) => Count = count;

    /// <summary>Whether set, push and pop actions can undo all that stands from record <paramref name="from"/> on (OVS <c>odp_actions_are_reversible</c>).</summary>
    internal bool IsReversible(int from)
    {
        for (int at = from; at < Count; at++)
        {
            ref DpAction a = ref At(at);
            switch (a.Op)
            {
                case DpOp.Ct or DpOp.CtClear or DpOp.Hash or DpOp.Truncate or DpOp.Meter or DpOp.TnlPush or DpOp.TnlPop or DpOp.Drop or DpOp.AddMpls or DpOp.PushEth or DpOp.PopEth:
                    return false;
                case DpOp.Clone or DpOp.Sample or DpOp.CheckPktLen:
                    at += a.NestedCount + a.ElseCount;
                    break;
            }
        }

        return true;
    }

    /// <summary>Closes a nesting record: all behind it is in it.</summary>
    internal void Nest(int record) => At(record).NestedCount = Count - record - 1;

    /// <summary>A clone at the very end need not be one.</summary>
    internal void UnwrapTrailingClone()
    {
        int at = 0;
        while (at < Count)
        {
            ref DpAction a = ref At(at);
            int size = 1 + (a.Op is DpOp.Clone or DpOp.Sample or DpOp.CheckPktLen ? a.NestedCount + a.ElseCount : 0);
            if (at + size == Count)
            {
                if (a.Op == DpOp.Clone) RemoveAt(at);
                return;
            }

            at += size;
        }
    }

    /// <summary>Removes record <paramref name="index"/>.</summary>
    internal void RemoveAt(int index)
    {
        Count--;
        new Span<DpAction>(_actions + index + 1, Count - index).CopyTo(new Span<DpAction>(_actions + index, Count - index));
    }
}
