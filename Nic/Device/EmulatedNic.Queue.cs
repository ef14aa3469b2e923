namespace Mergeflow.Nic;


/// <content>The rule queue: requests start at the profile's rate, take effect after its latency, in order, and complete.</content>
public sealed unsafe partial class EmulatedNic
{
    /// <summary>Requests that are carried out before receivers are let in again.</summary>
    private const int RequestsPerClosing = 64;

    private readonly Queue<NicRequest> _requests = new();
    private readonly PriorityQueue<NicCompletion, (long AtNs, long Sequence)> _completions = new();
    private readonly List<NicCompletion> _lost = [];
    private readonly HashSet<long> _duplicates = [];
    private ulong _lastHandle;
    private long _sequence;
    private long _busyUntilNs;
    private long _lastDueNs;

    /// <inheritdoc/>
    public bool EnqueueCreate(FlowRule rule, ulong userData, long nowNs, out NicHandle handle)
    {
        handle = NicHandle.None;
        CatchUpWithReset(nowNs);
        if (_requests.Count + _completions.Count >= Profile.QueueDepth) return false;
        handle = new NicHandle(++_lastHandle);
        FlowError? error = Compile(rule, out CompiledRule? compiled);
        Enqueue(NicOperation.Create, handle, userData, compiled, error, nowNs, Profile.InsertsPerSecond, Profile.InsertLatencyNs);
        return true;
    }

    /// <inheritdoc/>
    public bool EnqueueDestroy(NicHandle handle, ulong userData, long nowNs)
    {
        CatchUpWithReset(nowNs);
        if (_requests.Count + _completions.Count >= Profile.QueueDepth) return false;
        Enqueue(NicOperation.Destroy, handle, userData, null, null, nowNs, Profile.DeletesPerSecond, Profile.DeleteLatencyNs);
        return true;
    }

    /// <inheritdoc/>
    public int Poll(Span<NicCompletion> completions, long nowNs)
    {
        Step(nowNs);
        int n = 0;
        while (n < completions.Length && _completions.TryPeek(out _, out (long AtNs, long Sequence) due) && due.AtNs <= nowNs)
        {
            completions[n++] = _completions.Dequeue();
            _duplicates.Remove(due.Sequence);
        }
        return n;
    }

    /// <inheritdoc/>
    public NicResync Resync(long nowNs)
    {
        Step(nowNs);
        List<NicCompletion> all = [.. _lost];
        while (_completions.TryDequeue(out NicCompletion completion, out (long AtNs, long Sequence) due))
        {
            if (!_duplicates.Remove(due.Sequence)) all.Add(completion);
        }
        _lost.Clear();
        return new NicResync(_rules.Values.OrderBy(static r => r.Handle.Value).Select(r => Describe(r, nowNs)).ToArray(), all, _requests.Count);
    }

    /// <summary>Carries out what is due. <see cref="Poll"/> does it too.</summary>
    public void Step(long nowNs)
    {
        int done = 0;
        while (true)
        {
            long requestNs = _requests.TryPeek(out NicRequest request) ? _faults.AfterStalls(request.DueNs) : long.MaxValue;
            long resetNs = _faults.NextResetNs;
            if (Math.Min(requestNs, resetNs) > nowNs) break;
            if (done++ % RequestsPerClosing == 0)
            {
                if (done > 1) Gate.Open();
                Gate.Close();
            }
            if (resetNs <= requestNs)
            {
                _faults.PassReset();
                Reset(resetNs);
                continue;
            }
            _requests.Dequeue();
            Complete(request.Operation == NicOperation.Create ? Create(request) : Destroy(request), requestNs);
        }
        if (done > 0) Gate.Open();
    }

    /// <summary>A reset that is past must not take requests with it that are made after it.</summary>
    private void CatchUpWithReset(long nowNs)
    {
        if (_faults.NextResetNs <= nowNs) Step(nowNs);
    }

    private void Enqueue(NicOperation operation, NicHandle handle, ulong userData, CompiledRule? rule, FlowError? error, long nowNs, int perSecond, long latencyNs)
    {
        long startNs = Math.Max(nowNs, _busyUntilNs);
        _busyUntilNs = startNs + (perSecond == 0 ? 0 : 1_000_000_000L / perSecond);
        _lastDueNs = Math.Max(_lastDueNs, startNs + latencyNs);
        _requests.Enqueue(new NicRequest(operation, handle, userData, rule, error, _lastDueNs));
    }

    private NicCompletion Create(in NicRequest request)
    {
        FlowError? error = _faults.NextCreate() switch
        {
            FlowErrno.Io => new FlowError(FlowErrno.Io, FlowErrorType.Unspecified, "the device refused the rule"),
            FlowErrno.NoSpace => Full(request.Rule?.Table ?? FlowTable.Wildcard, FlowErrno.NoSpace),
            _ => request.Error,
        };
        error ??= Install(request);
        return new NicCompletion(NicOperation.Create, request.Handle, request.UserData, new NicCounters(0, 0, -1), error);
    }

    private FlowError? Install(in NicRequest request)
    {
        CompiledRule compiled = request.Rule!;
        RuleBlock* block = RuleBlock.Allocate(request.Handle.Value, compiled);
        int row = -1;
        FlowErrno errno = compiled.Table == FlowTable.ExactMatch
            ? _exactMatch.Insert(ref compiled.Mask, ref compiled.Value, block)
            : _wildcard.Insert(ref compiled.Mask, ref compiled.Value, block, out row);
        if (errno != FlowErrno.None)
        {
            RuleBlock.Free(block);
            return Full(compiled.Table, errno);
        }
        _rules.Add(request.Handle.Value, new NicRule(request.Handle, request.UserData, compiled, block) { Row = row });
        return null;
    }

    private NicCompletion Destroy(in NicRequest request)
    {
        if (!_rules.Remove(request.Handle.Value, out NicRule? rule))
        {
            var error = new FlowError(FlowErrno.NoEntry, FlowErrorType.Handle, $"no rule has handle {request.Handle.Value}");
            return new NicCompletion(NicOperation.Destroy, request.Handle, request.UserData, new NicCounters(0, 0, -1), error);
        }
        if (rule.Compiled.Table == FlowTable.ExactMatch) _exactMatch.Remove(ref rule.Compiled.Mask, ref rule.Compiled.Value);
        else _wildcard.Remove(rule.Row);
        NicCounters final = RuleBlock.Live(rule.Block);
        RuleBlock.Free(rule.Block);
        return new NicCompletion(NicOperation.Destroy, request.Handle, request.UserData, final, null);
    }

    private void Complete(in NicCompletion completion, long atNs)
    {
        _faults.NextCompletion(out long delayNs, out bool isLost, out bool isDoubled);
        if (isLost)
        {
            _lost.Add(completion);
            return;
        }
        _completions.Enqueue(completion, (atNs + delayNs, _sequence++));
        if (!isDoubled) return;
        _duplicates.Add(_sequence);
        _completions.Enqueue(completion, (atNs + delayNs, _sequence++));
    }

    private FlowError Full(FlowTable table, FlowErrno errno)
    {
        string name = FlowRuleCompiler.TableName(table);
        return errno switch
        {
            FlowErrno.NoTemplate => new FlowError(errno, FlowErrorType.AttrGroup, $"all {Profile.ExactMatchTemplates} templates of the {name} table are in use"),
            FlowErrno.Exists => new FlowError(errno, FlowErrorType.Unspecified, $"the {name} table has a rule with this mask and value"),
            _ => new FlowError(errno, FlowErrorType.AttrGroup, $"the {name} table is full"),
        };
    }
}
