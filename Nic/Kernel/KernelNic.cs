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
public sealed partial class KernelNic : IFlowDevice, IDisposable
{
    private readonly Dictionary<ulong, Rule> _rules = [];
    private readonly Queue<Request> _requests = new();
    private readonly Queue<NicCompletion> _completions = new();
    private readonly List<KernelTemplate> _templates = [];
    private readonly KernelMemory _memory;
    private readonly KernelTable _table;
    private readonly ulong _seed;
    private readonly Totals _gone = new();
    private ulong _lastHandle;
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
        _seed = seed;
        _memory = new KernelMemory(profile.ExactMatchEntries);
        _table = _memory.NewTable();
        _table.SetMatching(true);
        try
        {
            // Without a rule every frame is a miss. From here on only the thread of the rule queue writes programs.
            if (Swap() is { } refused) throw new IOException(refused.Message);
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
    public int RuleCount => _rules.Count;

    /// <summary>Masks that the program is written for.</summary>
    public int TemplateCount => _templates.Count;

    /// <inheritdoc/>
    public FlowError? Validate(FlowRule rule) => Compile(rule, out _, out _);

    /// <inheritdoc/>
    public bool EnqueueCreate(FlowRule rule, ulong userData, long nowNs, out NicHandle handle)
    {
        handle = NicHandle.None;
        if (_requests.Count + _completions.Count >= Profile.QueueDepth) return false;
        handle = new NicHandle(++_lastHandle);
        FlowError? error = Compile(rule, out CompiledRule? compiled, out KernelActions? actions);
        _requests.Enqueue(new Request(NicOperation.Create, handle, userData, compiled, actions, error));
        return true;
    }

    /// <inheritdoc/>
    public bool EnqueueDestroy(NicHandle handle, ulong userData, long nowNs)
    {
        if (_requests.Count + _completions.Count >= Profile.QueueDepth) return false;
        _requests.Enqueue(new Request(NicOperation.Destroy, handle, userData, null, null, null));
        return true;
    }

    /// <inheritdoc/>
    public int Poll(Span<NicCompletion> completions, long nowNs)
    {
        _table.SetClock(nowNs);
        lock (_rules)
        {
            while (_requests.Count > 0)
            {
                if (_requests.Peek().Operation == NicOperation.Create) CreateSome();
                else DestroySome();
            }
        }

        int n = 0;
        while (n < completions.Length && _completions.TryDequeue(out NicCompletion c)) completions[n++] = c;
        return n;
    }

    /// <inheritdoc/>
    public FlowError? Query(NicHandle handle, long nowNs, out NicCounters counters)
    {
        counters = new NicCounters(0, 0, -1);
        _table.SetClock(nowNs);
        if (!_rules.TryGetValue(handle.Value, out Rule? rule)) return new FlowError(FlowErrno.NoEntry, FlowErrorType.Handle, $"no rule has handle {handle.Value}");
        if (!rule.Compiled.Counts) return new FlowError(FlowErrno.Invalid, FlowErrorType.Action, "the rule has no count action") { Subject = "count" };
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
        NicCompletion[] all = [.. _completions];
        _completions.Clear();
        return new NicResync([.. _rules.Values.OrderBy(static r => r.Handle.Value).Select(r => new NicRuleInfo(r.Handle, r.UserData, Read(r)))], all, _requests.Count);
    }

    /// <inheritdoc/>
    public void SetMatching(bool isOn)
    {
        _table.SetMatching(isOn);
        if (!isOn) _table.Quiesce();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Who asks for totals from now on looks at no memory.
        lock (_rules) _rules.Clear();
        foreach (KernelPort port in _ports.Values) port.Link?.Dispose();
        _ports.Clear();
        _program?.Dispose();
        _samples?.Dispose();
        _memory.Dispose();
    }

    private FlowError? Compile(FlowRule rule, out CompiledRule? compiled, out KernelActions? actions)
    {
        actions = null;
        return FlowRuleCompiler.TryCompile(Profile, rule, out compiled) ?? KernelActions.TryCompile(compiled!, out actions);
    }

    /// <summary>All that are to come next: one program for all their masks.</summary>
    private void CreateSome()
    {
        List<(Request Request, KernelTemplate? Template, FlowError? Error)> batch = [];
        bool isNew = false;
        while (_requests.TryPeek(out Request next) && next.Operation == NicOperation.Create)
        {
            _requests.Dequeue();
            KernelTemplate? template = null;
            FlowError? error = next.Error;
            if (error is null && (template = TemplateOf(next.Rule!, ref isNew)) is null)
            {
                error = new FlowError(FlowErrno.NoTemplate, FlowErrorType.AttrGroup, $"all {Profile.ExactMatchTemplates} templates of the kernel's table are in use");
            }

            if (template is not null) template.RuleCount++;
            batch.Add((next, template, error));
        }

        FlowError? refused = isNew ? Swap() : null;
        foreach ((Request r, KernelTemplate? template, FlowError? error) in batch)
        {
            FlowError? outcome = error ?? refused ?? Install(r, template!);
            if (outcome is not null && template is not null) template.RuleCount--;
            _completions.Enqueue(new NicCompletion(NicOperation.Create, r.Handle, r.UserData, new NicCounters(0, 0, -1), outcome));
        }

        if (refused is not null) _templates.RemoveAll(static t => t.RuleCount == 0);
    }

    private FlowError? Install(in Request r, KernelTemplate template)
    {
        CompiledRule compiled = r.Rule!;
        uint slot = _table.Insert(template, ref compiled.Value, r.Actions!, gate: 0, out bool isThere, SerialOf(r.Handle));
        if (isThere) return new FlowError(FlowErrno.Exists, FlowErrorType.Unspecified, "the kernel's table has a rule with this mask and value");
        if (slot == 0) return new FlowError(FlowErrno.NoSpace, FlowErrorType.AttrGroup, "the kernel's table is full");
        _rules.Add(r.Handle.Value, _bySlot[slot] = new Rule(r.Handle, r.UserData, compiled, template, slot, r.Actions!.TagChangeBytes, r.Actions.OutPort));
        return null;
    }

    /// <summary>All that are to go next: one wait for all of them.</summary>
    private void DestroySome()
    {
        List<(Request Request, Rule? Rule)> batch = [];
        while (_requests.TryPeek(out Request next) && next.Operation == NicOperation.Destroy)
        {
            _requests.Dequeue();
            if (_rules.Remove(next.Handle.Value, out Rule? rule)) _table.Kill(rule.Slot);
            batch.Add((next, rule));
        }

        _table.Quiesce();
        foreach ((Request r, Rule? rule) in batch)
        {
            if (rule is null)
            {
                var error = new FlowError(FlowErrno.NoEntry, FlowErrorType.Handle, $"no rule has handle {r.Handle.Value}");
                _completions.Enqueue(new NicCompletion(NicOperation.Destroy, r.Handle, r.UserData, new NicCounters(0, 0, -1), error));
                continue;
            }

            NicCounters final = Read(rule);
            _gone.Add(rule, final);
            _bySlot.Remove(rule.Slot);
            _table.Remove(rule.Slot, rule.Template, ref rule.Compiled.Value);
            rule.Template.RuleCount--;
            _completions.Enqueue(new NicCompletion(NicOperation.Destroy, r.Handle, r.UserData, final, null));
        }
    }

    /// <summary>What rules have forwarded from and to a port so far, those that are gone included; a super-frame counts as the frames that it is cut into. From any thread.</summary>
    public KernelPortTotals TotalsOf(uint port)
    {
        lock (_rules)
        {
            Totals totals = new(port, _gone);
            foreach (Rule rule in _rules.Values) totals.Add(rule, Read(rule));
            return totals.Sum;
        }
    }

    private NicCounters Read(Rule rule)
    {
        if (!rule.Compiled.Counts) return new NicCounters(0, 0, -1);
        _table.Read(rule.Slot, out ulong packets, out ulong bytes, out ulong last);
        return new NicCounters(packets, bytes, packets == 0 ? -1 : (long)last);
    }

    private sealed record Rule(NicHandle Handle, ulong UserData, CompiledRule Compiled, KernelTemplate Template, uint Slot, int TagChange, uint OutPort)
    {
        public uint InPort => BinaryPrimitives.ReadUInt32BigEndian(Compiled.Value.Bytes[16..]);
    }

    /// <summary>Sums by port: of all ports, or of one.</summary>
    private sealed class Totals
    {
        private readonly Dictionary<uint, KernelPortTotals> _sums = [];
        private readonly uint? _only;

        public Totals()
        {
        }

        public Totals(uint port, Totals before)
        {
            _only = port;
            _sums[port] = before._sums.GetValueOrDefault(port);
        }

        public KernelPortTotals Sum => _sums[_only!.Value];

        public void Add(Rule rule, NicCounters c)
        {
            if (c.Hits == 0) return;
            AddTo(rule.InPort, new KernelPortTotals(c.Hits, c.Bytes, 0, 0));
            if (rule.OutPort != KernelLayout.NoPort) AddTo(rule.OutPort, new KernelPortTotals(0, 0, c.Hits, c.Bytes + (c.Hits * (ulong)rule.TagChange)));
        }

        private void AddTo(uint port, KernelPortTotals t)
        {
            if (_only is { } only && only != port) return;
            KernelPortTotals s = _sums.GetValueOrDefault(port);
            _sums[port] = new KernelPortTotals(s.RxPackets + t.RxPackets, s.RxBytes + t.RxBytes, s.TxPackets + t.TxPackets, s.TxBytes + t.TxBytes);
        }
    }

    private readonly record struct Request(NicOperation Operation, NicHandle Handle, ulong UserData, CompiledRule? Rule, KernelActions? Actions, FlowError? Error);
}
