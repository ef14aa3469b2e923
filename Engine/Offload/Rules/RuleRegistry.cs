using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// The rules that exist, Installing to Dying, and everything by which one is found: the list, the id, the trace, the match, the packet that it was asked
/// for, and what it depends on. A rule is in all six or in none, and holds what it depends on for as long as it is in them.
/// </summary>
/// <remarks>
/// The six change here and nowhere else, and never half-way: <see cref="TryAdd"/> makes room first and gives back what it holds if a ledger throws; what
/// takes a rule out asks for its state first, and calls the ledgers last. Under the offload thread's lock.
/// </remarks>
/// <param name="megaflows">Whose megaflows rules hold.</param>
/// <param name="conns">Whose connections rules mark.</param>
/// <param name="gates">What rules stand behind; null = the device has none.</param>
/// <param name="firstId">Id of the first rule. Ids are not used again: a billion rules a second use 64 bits up in 292 years.</param>
internal sealed class RuleRegistry(IMegaflowLedger megaflows, IConnLedger conns, RevocationGates? gates, long firstId)
{
    private readonly List<MergedFlow> _rules = [];
    private readonly Dictionary<long, MergedFlow> _byId = [];
    private readonly Dictionary<ulong, MergedFlow> _byTrace = [];
    private readonly HashSet<MergedFlow> _byMatch = new(new MergedKeyComparer());
    private readonly Dictionary<long, AskedRule> _asked = [];
    private readonly DependencyIndex _dependencies = new();
    private long _nextId = firstId;

    /// <summary>All of them, in no order.</summary>
    public IReadOnlyList<MergedFlow> Rules => _rules;

    /// <summary>Rules that exist.</summary>
    public int Count => _rules.Count;

    /// <summary>Of these, rules that the device has been asked for something and has not answered.</summary>
    public int PendingCount { get; private set; }

    /// <summary>Of these, revoked ones that are not confirmed gone.</summary>
    public int DyingCount { get; private set; }

    /// <summary>The rule of that id; null = there is none any more.</summary>
    public MergedFlow? Find(long id) => _byId.GetValueOrDefault(id);

    /// <summary>Whether a rule that is not dying was made from such a trace.</summary>
    public bool HasTrace(ulong traceHash) => _byTrace.ContainsKey(traceHash);

    /// <summary>Whether a rule with the same mask and value is in the way.</summary>
    public bool HasMatch(MergedFlow rule) => _byMatch.Contains(rule);

    /// <summary>The packet that the rule was asked for; known until the device confirms.</summary>
    public AskedRule AskedFor(MergedFlow rule) => _asked.GetValueOrDefault(rule.Id);

    /// <summary>Whether any rule is such.</summary>
    public bool Any(Predicate<MergedFlow> isWanted) => _rules.Exists(isWanted);

    /// <summary>Adds the rules that are such to <paramref name="into"/>, from which they may be taken out one by one.</summary>
    public void Collect(Predicate<MergedFlow> isWanted, List<MergedFlow> into)
    {
        foreach (MergedFlow r in _rules)
        {
            if (isWanted(r)) into.Add(r);
        }
    }

    /// <summary>The same for those that depend on a megaflow or connection, as <see cref="DependencyIndex"/> names them.</summary>
    public void CollectDependents(ulong owner, List<MergedFlow> into) => _dependencies.Collect(owner, into);

    /// <summary>
    /// Takes the rule in: Installing, with an id. False, and nothing has changed, if something that it depends on has moved.
    /// </summary>
    public bool TryAdd(MergedFlow rule, in AskedRule asked, long nowMs)
    {
        Reserve(rule);
        if (!TryHold(rule)) return false;
        rule.Id = _nextId++;
        rule.MoveTo(MergedFlowState.Installing, nowMs);
        rule.ListIndex = _rules.Count;
        _rules.Add(rule);
        _byId.Add(rule.Id, rule);
        _asked.Add(rule.Id, asked);
        _byMatch.Add(rule);
        _byTrace[rule.TraceHash] = rule;
        PendingCount++;
        return true;
    }

    /// <summary>The device has it: Active.</summary>
    public void Confirm(MergedFlow rule, long nowMs)
    {
        rule.MoveTo(MergedFlowState.Active, nowMs);
        _asked.Remove(rule.Id);
        PendingCount--;
    }

    /// <summary>It is to go: Dying. Its trace may come again at once; its match if <paramref name="freesMatch"/>, that is, if no packet uses it any more.</summary>
    public void Retire(MergedFlow rule, OffloadReason reason, bool freesMatch, long nowMs)
    {
        bool isPending = rule.State == MergedFlowState.Installing;
        rule.MoveTo(MergedFlowState.Dying, nowMs);
        rule.Reason = reason;
        if (!isPending) PendingCount++;
        DyingCount++;
        _byTrace.Remove(rule.TraceHash);
        if (freesMatch) _byMatch.Remove(rule);
    }

    /// <summary>It is gone and its last counters are credited: Dead, out of everything.</summary>
    public void Remove(MergedFlow rule, long nowMs)
    {
        rule.MoveTo(MergedFlowState.Dead, nowMs);
        DyingCount--;
        TakeOut(rule);
    }

    /// <summary>The device was not even asked for it: Rejected, out of everything.</summary>
    public void Reject(MergedFlow rule, long nowMs)
    {
        rule.MoveTo(MergedFlowState.Rejected, nowMs);
        TakeOut(rule);
    }

    /// <summary>Lets go of all rules, as far as it can be reached; <paramref name="onFailure"/> hears of those that keep what they hold.</summary>
    public void Abandon(Action<MergedFlow, Exception> onFailure)
    {
        foreach (MergedFlow r in _rules)
        {
            try
            {
                LetGo(r, r.Passes.Length, r.Conns.Length);
            }
            catch (Exception e)
            {
                onFailure(r, e);
            }
        }

        _rules.Clear();
        _byId.Clear();
        _byTrace.Clear();
        _byMatch.Clear();
        _asked.Clear();
        PendingCount = DyingCount = 0;
    }

    /// <summary>Whether its megaflows are what it was merged from.</summary>
    public bool MegaflowsAreCurrent(MergedFlow rule)
    {
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
        {
            if (!megaflows.IsCurrent(p.MegaflowId, p.Generation)) return false;
        }

        return true;
    }

    /// <summary>Whether its megaflows and connections are what it was merged from.</summary>
    public bool IsCurrent(MergedFlow rule)
    {
        if (!MegaflowsAreCurrent(rule)) return false;
        foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
        {
            if (!conns.IsOffloadable(c.ConnId, c.Generation)) return false;
        }

        return true;
    }

    private void Reserve(MergedFlow rule)
    {
        int count = _rules.Count + 1;
        _rules.EnsureCapacity(count);
        _byId.EnsureCapacity(count);
        _byTrace.EnsureCapacity(count);
        _byMatch.EnsureCapacity(count);
        _asked.EnsureCapacity(_asked.Count + 1);
        _dependencies.Reserve(rule.Passes.Length + rule.Conns.Length);
    }

    private void TakeOut(MergedFlow rule)
    {
        PendingCount--;
        _byId.Remove(rule.Id);
        _asked.Remove(rule.Id);
        if (_byTrace.TryGetValue(rule.TraceHash, out MergedFlow? traced) && ReferenceEquals(traced, rule)) _byTrace.Remove(rule.TraceHash);
        if (_byMatch.TryGetValue(rule, out MergedFlow? matched) && ReferenceEquals(matched, rule)) _byMatch.Remove(rule);
        MergedFlow last = _rules[^1];
        _rules[rule.ListIndex] = last;
        last.ListIndex = rule.ListIndex;
        _rules.RemoveAt(_rules.Count - 1);
        LetGo(rule, rule.Passes.Length, rule.Conns.Length);
    }

    /// <summary>Links the rule on every dependency; false, with nothing held, if one has moved already.</summary>
    private bool TryHold(MergedFlow rule)
    {
        int retained = 0, marked = 0;
        bool isHeld = false;
        gates?.Enter(rule);
        try
        {
            foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
            {
                if (!megaflows.TryRetain(p.MegaflowId, p.Generation)) return false;
                retained++;
                _dependencies.Link(rule, DependencyIndex.OfMegaflow(p.MegaflowId));
            }

            // The mark comes first, with a full fence, as there is one between the tracker's new generation and its look at the marks: an invalidation is
            // either seen below, or reported, or both. From here on the slot stays the connection's.
            foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
            {
                ulong owner = DependencyIndex.OfConn(c.ConnId);
                if (_dependencies.IsEmpty(owner)) conns.MarkOffloaded(c.ConnId);
                marked++;
                _dependencies.Link(rule, owner);
            }

            isHeld = IsCurrent(rule);
            return isHeld;
        }
        finally
        {
            if (!isHeld) LetGo(rule, retained, marked);
        }
    }

    private void LetGo(MergedFlow rule, int retained, int marked)
    {
        _dependencies.Unlink(rule);
        gates?.Leave(rule);
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan(0, retained)) megaflows.Release(p.MegaflowId, p.Generation);
        foreach (ref readonly MergedConn c in rule.Conns.AsSpan(0, marked))
        {
            if (_dependencies.IsEmpty(DependencyIndex.OfConn(c.ConnId))) conns.UnmarkOffloaded(c.ConnId);
        }
    }
}

/// <summary>The packet behind a rule that the device was asked for, in case it is refused.</summary>
/// <param name="FlowHash">See <see cref="Trace.FlowHash"/>.</param>
/// <param name="Key">Header as received.</param>
/// <param name="LengthBytes">Length as received.</param>
internal readonly record struct AskedRule(ulong FlowHash, FlowKey Key, int LengthBytes, bool EndsInTunnel);
