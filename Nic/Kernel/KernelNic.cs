using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>
/// The kernel as a NIC with one table: rules lie in memory that a BPF program on the ports reads, and packets that one of them takes never reach this process. Requests are carried out by
/// <see cref="Poll"/>, a batch at a time. The rule queue is for one thread, ports are for one other.
/// </summary>
/// <remarks>
/// The program is written for the masks in use (templates); a rule with a new one has it written, loaded and put in place before the rule is reported to be there. What the program cannot do, <see cref="Validate"/>
/// refuses. The transport's checksum is not looked at: the item <c>integrity</c> is true of whatever has a good IPv4 header.
/// </remarks>
public sealed partial class KernelNic : IGatedFlowDevice, IDisposable
{
    /// <summary>Requests ahead of the one at hand whose memory is asked for.</summary>
    private const int Ahead = 8;

    private const int SlotBits = 24;
    private const ulong SlotMask = (1UL << SlotBits) - 1;
    private const byte DefaultGate = 1;

    /// <summary>Rules, masks and the program: from the thread of the rule queue, from whoever adds ports, and from who asks for totals.</summary>
    private readonly Lock _sync = new();

    /// <summary>By slot: those that are there, and those that have been asked for.</summary>
    private readonly Rule?[] _rules;
    private readonly KernelQueue<Request> _requests = new();
    private readonly KernelQueue<NicCompletion> _completions = new();
    private readonly List<KernelTemplate> _templates = [];
    private readonly KernelMemory _memory;
    private readonly KernelTable _table;
    private readonly KernelHeaders _headers;
    private readonly ulong _seed;
    private readonly Totals _gone = new();
    private readonly int _queueDepth;
    private ulong _lastSerial;
    private ulong _templateCounter;

    /// <summary>A device without rules and ports.</summary>
    /// <param name="profile">What it may do; <c>kernel</c> is what it can do.</param>
    /// <param name="attachPoint">Where its program stands: XDP or tcx ingress.</param>
    /// <param name="seed">Of the hash: unknown to who sends packets.</param>
    /// <exception cref="IOException">The kernel refuses maps or program.</exception>
    public KernelNic(NicProfile profile, BpfAttachPoint attachPoint, ulong seed)
    {
        _attachPoint = attachPoint;
        Profile = profile;
        _queueDepth = profile.QueueDepth;
        _seed = seed;
        _memory = new KernelMemory(profile.ExactMatchEntries);
        _rules = new Rule?[_memory.SlotCount];
        _table = _memory.NewTable();
        _headers = new KernelHeaders(_memory.Headers);
        _table.SetMatching(true);
        try
        {
            // Without a rule every frame is a miss. From here on only the thread of the rule queue writes programs.
            if (Load() is { } refused) throw new IOException(refused.Message);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public NicProfile Profile { get; }

    /// <inheritdoc/>
    public int RuleCount { get; private set; }

    /// <summary>Masks that the program is written for.</summary>
    public int TemplateCount => _templates.Count;

    /// <inheritdoc/>
    public unsafe int* Gates => (int*)(_memory.Control.Memory + KernelLayout.Gates);

    /// <summary>Closes or opens a gate. From any thread; behind closing comes <see cref="WaitForUsers"/>.</summary>
    public void SetGate(byte gate, bool isOpen) => _table.SetGate(gate, isOpen);

    /// <inheritdoc/>
    public void WaitForUsers() => _table.Quiesce();

    /// <inheritdoc/>
    public FlowError? Validate(FlowRule rule) => Compile(rule, out _, out _);

    /// <inheritdoc/>
    public bool EnqueueCreate(FlowRule rule, ulong userData, long nowNs, out NicHandle handle) => EnqueueCreate(rule, userData, nowNs, DefaultGate, out handle);

    /// <inheritdoc/>
    public bool EnqueueCreate(FlowRule rule, ulong userData, long nowNs, byte gate, out NicHandle handle)
    {
        handle = NicHandle.None;
        if (_requests.Count + _waiting.Count + _completions.Count >= _queueDepth) return false;
        FlowError? error = Compile(rule, out CompiledRule? compiled, out KernelActions? actions);
        uint slot = 0;
        KernelPlaces places = default;
        if (error is null && (slot = _table.TakeSlot()) == 0) error = new FlowError(FlowErrno.NoSpace, FlowErrorType.AttrGroup, "the kernel's table is full");
        if (error is null && actions!.Features != KernelFeatures.None && (error = TakePlaces(actions, out places)) is not null) _table.GiveSlotBack(slot);
        handle = new NicHandle((++_lastSerial << SlotBits) | slot);
        Rule? made = error is null ? new Rule(handle, userData, compiled!, actions!, places, gate, slot) : null;
        if (made is not null && FindTemplate(compiled!) is { } template) made.Join(template);
        if (made is not null) _rules[slot] = made;
        _requests.Enqueue(new Request(NicOperation.Create, handle, userData, made, error));
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>No run of the program that begins after it uses the rule; those that are under way are waited for before it is reported to be gone.</remarks>
    public bool EnqueueDestroy(NicHandle handle, ulong userData, long nowNs)
    {
        if (FindAsked(handle) is { } rule)
        {
            rule.IsRevoked = true;
            if (rule.IsThere) _table.Kill(rule.Slot);
        }

        _requests.Enqueue(new Request(NicOperation.Destroy, handle, userData, null, null));
        return true;
    }

    /// <inheritdoc/>
    public int Poll(Span<NicCompletion> completions, long nowNs)
    {
        Work(nowNs);
        int n = 0;
        while (n < completions.Length && _completions.Count > 0) completions[n++] = _completions.Dequeue();
        return n;
    }

    /// <inheritdoc/>
    public FlowError? Query(NicHandle handle, long nowNs, out NicCounters counters)
    {
        counters = new NicCounters(0, 0, -1);
        _table.SetClock(nowNs);
        if (Find(handle) is not { } rule) return new FlowError(FlowErrno.NoEntry, FlowErrorType.Handle, $"no rule has handle {handle.Value}");
        if (!rule.Counts) return new FlowError(FlowErrno.Invalid, FlowErrorType.Action, "the rule has no count action") { Subject = "count" };
        counters = Read(rule);
        return null;
    }

    /// <inheritdoc/>
    public bool TryDequeueEvent(out NicEvent? e)
    {
        e = null;
        return false;
    }

    /// <inheritdoc/>
    public NicResync Resync(long nowNs)
    {
        Work(nowNs);
        List<NicCompletion> all = [];
        while (_completions.Count > 0) all.Add(_completions.Dequeue());
        return new NicResync([.. _rules.OfType<Rule>().Where(static r => r is { IsThere: true, IsWaiting: false }).OrderBy(static r => r.Handle.Value).Select(r => new NicRuleInfo(r.Handle, r.UserData, Read(r)))], all, _waiting.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Who asks for totals from now on looks at no memory.
        lock (_sync) Array.Clear(_rules);
        foreach (KernelPort port in _ports.Values) port.Link?.Dispose();
        _ports.Clear();
        EndMaking();
        _program?.Dispose();
        _samples?.Dispose();
        _memory.Dispose();
    }

    /// <summary>Carries out what has been asked for.</summary>
    private void Work(long nowNs)
    {
        _table.SetClock(nowNs);
        if (_requests.Count == 0 && _waiting.Count == 0 && _making is null) return;
        lock (_sync)
        {
            while (_requests.Count > 0)
            {
                if (_requests.At(0).Operation == NicOperation.Create) CreateSome();
                else DestroySome();
            }

            KeepWriting();
        }
    }

    private Rule? FindAsked(NicHandle handle)
    {
        uint slot = (uint)(handle.Value & SlotMask);
        return slot < (uint)_rules.Length && _rules[slot] is { } rule && rule.Handle == handle ? rule : null;
    }

    private Rule? Find(NicHandle handle) => FindAsked(handle) is { IsThere: true } rule ? rule : null;

    private FlowError? Compile(FlowRule rule, out CompiledRule? compiled, out KernelActions? actions)
    {
        actions = null;
        if ((FlowRuleCompiler.TryCompile(Profile, rule, out compiled) ?? KernelActions.TryCompile(compiled!, out actions)) is { } error) return error;
        string? subject = actions!.Features == KernelFeatures.None && !compiled!.IsInside ? null : UnlikeMode(rule, compiled!, actions);
        if (subject is not null)
        {
            actions = null;
            return new FlowError(FlowErrno.NotSupported, FlowErrorType.Action, $"the kernel's program cannot carry out {subject}") { Subject = subject };
        }

        for (KernelActions? a = actions; a is not null; a = a.Next)
        {
            if (a.OutPort is var port && (port == KernelLayout.NoPort || IsOutput(port))) continue;
            actions = null;
            return new FlowError(FlowErrno.NotSupported, FlowErrorType.Action, $"the kernel's table has no port {port}") { Subject = $"port {port}" };
        }

        return null;
    }

    /// <summary>All that are to come next: one program for all their masks, now or by a thread of its own.</summary>
    private void CreateSome()
    {
        bool isNew = false;
        int count = 0;
        for (; count < _requests.Count && _requests.At(count).Operation == NicOperation.Create; count++)
        {
            if (_requests.At(count).Rule is { Template: null } rule && TemplateOf(rule.Compiled, ref isNew) is { } template) rule.Join(template);
            if (_requests.At(count).Rule is { Template: not null } asked) isNew |= _isBehind ? (asked.Actions.Features & ~_features) != 0 : !IsWritten(asked);
        }

        bool isAside = LoadsAside && IsAttached;
        FlowError? refused = isNew && !isAside ? Swap() : null;
        for (; count > 0; count--)
        {
            if (count > Ahead && _requests.At(Ahead).Rule is { Template: not null } next) _table.Prefetch(next.Slot, next.Hash);
            Request r = _requests.Dequeue();
            bool waits = isAside && r.Rule is { Template: not null } later && !IsWritten(later);
            FlowError? outcome = r.Error ?? (refused is null || IsWritten(r.Rule!) ? Install(r.Rule!, waits) : refused);
            if (outcome is null && waits) continue;
            if (outcome is not null && r.Rule is { } failed)
            {
                failed.Leave();
                _rules[failed.Slot] = null;
                _table.GiveSlotBack(failed.Slot);
                GivePlacesBack(failed);
            }

            _completions.Enqueue(new NicCompletion(NicOperation.Create, r.Handle, r.UserData, new NicCounters(0, 0, -1), outcome));
        }

        if (refused is not null) _templates.RemoveAll(static t => t.RuleCount == 0);
    }

    private FlowError? Install(Rule rule, bool waits)
    {
        if (rule.Template is not { } template) return new FlowError(FlowErrno.NoTemplate, FlowErrorType.AttrGroup, $"all {Profile.ExactMatchTemplates} templates of the kernel's table are in use");
        if (!_table.TryPut(rule.Slot, template, ref rule.Compiled.Value, rule.Hash, rule.Actions, rule.Places, rule.Gate, rule.IsRevoked || waits ? 0 : SerialOf(rule.Handle), out bool isThere))
        {
            return isThere
                ? new FlowError(FlowErrno.Exists, FlowErrorType.Unspecified, "the kernel's table has a rule with this mask and value")
                : new FlowError(FlowErrno.NoSpace, FlowErrorType.AttrGroup, "the kernel's table is full");
        }

        rule.IsThere = true;
        if (waits) rule.Wait = _waiting.AddLast(rule);
        else RuleCount++;
        return null;
    }

    /// <summary>All that are to go next: one wait for all of them.</summary>
    private void DestroySome()
    {
        // One that was asked for in front of its rule's creation has found no rule then.
        int count = 0;
        for (; count < _requests.Count && _requests.At(count).Operation == NicOperation.Destroy; count++)
        {
            ref Request r = ref _requests.At(count);
            r = r with { Rule = Find(r.Handle) };
            if (r.Rule is not { } rule) continue;
            _table.Kill(rule.Slot);
            _table.Prefetch(rule.Slot, rule.Hash);
        }

        _table.Quiesce();
        for (; count > 0; count--)
        {
            Request r = _requests.Dequeue();
            if (r.Rule is not { } rule || Find(r.Handle) is null)
            {
                var error = new FlowError(FlowErrno.NoEntry, FlowErrorType.Handle, $"no rule has handle {r.Handle.Value}");
                _completions.Enqueue(new NicCompletion(NicOperation.Destroy, r.Handle, r.UserData, new NicCounters(0, 0, -1), error));
                continue;
            }

            if (rule.IsWaiting) EndWait(rule);
            NicCounters final = Read(rule);
            _gone.Add(rule, final);
            RuleCount--;
            TakeOut(rule);
            _completions.Enqueue(new NicCompletion(NicOperation.Destroy, r.Handle, r.UserData, final, null));
        }
    }

    /// <summary>Nobody is inside the program who could have found it.</summary>
    private void TakeOut(Rule rule)
    {
        _rules[rule.Slot] = null;
        _table.Remove(rule.Slot, rule.Hash);
        GivePlacesBack(rule);
        rule.Leave();
    }

    private NicCounters Read(Rule rule)
    {
        if (!rule.Counts) return new NicCounters(0, 0, -1);
        _table.Read(rule.Slot, out ulong packets, out ulong bytes, out ulong last);
        return new NicCounters(packets, bytes, packets == 0 ? -1 : (long)last);
    }

    private sealed class Rule(NicHandle handle, ulong userData, CompiledRule compiled, KernelActions actions, KernelPlaces places, byte gate, uint slot)
    {
        public NicHandle Handle { get; } = handle;

        public ulong UserData { get; } = userData;

        public CompiledRule Compiled { get; } = compiled;

        public KernelActions Actions { get; } = actions;

        public KernelPlaces Places { get; } = places;

        public byte Gate { get; } = gate;

        public uint Slot { get; } = slot;

        public bool Counts { get; } = compiled.Counts;

        public uint InPort => BinaryPrimitives.ReadUInt32BigEndian(Compiled.Value.Bytes[16..]);

        /// <summary>It is in the table.</summary>
        public bool IsThere { get; set; }

        /// <summary>It is in the table, and no frame uses it: the program is not written for it so far.</summary>
        public bool IsWaiting => Wait is not null;

        /// <summary>Its place among those that wait.</summary>
        public LinkedListNode<Rule>? Wait { get; set; }

        /// <summary>Its end has been asked for: no frame uses it any more, also if it gets into the table only now.</summary>
        public bool IsRevoked { get; set; }

        /// <summary>Somebody has got a copy of a hit.</summary>
        public bool IsSampled { get; set; }

        /// <summary>Null until the program is to be written for its mask.</summary>
        public KernelTemplate? Template { get; private set; }

        public ulong Hash { get; private set; }

        public void Join(KernelTemplate template)
        {
            Template = template;
            Hash = template.HashOf(ref Compiled.Value);
            template.RuleCount++;
        }

        public void Leave()
        {
            if (Template is not null) Template.RuleCount--;
        }
    }

    private readonly record struct Request(NicOperation Operation, NicHandle Handle, ulong UserData, Rule? Rule, FlowError? Error);
}
