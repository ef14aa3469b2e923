using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>Installing: resolve, link, ask, confirm, re-check.</summary>
public sealed partial class OffloadThread
{
    /// <summary>Takes over <paramref name="rule"/> unless it returns a reason.</summary>
    private MergeRefusal Install(MergedFlow rule, ulong hash, Trace trace)
    {
        int lastPass = rule.PassCount - 1;
        if (_byKey.Contains(rule)) return new MergeRefusal(OffloadReason.AlreadyOffloaded, lastPass, "key");
        OffloadReason reason = _provider.Validate(rule, out string? detail);
        if (reason != OffloadReason.None) return new MergeRefusal(reason, lastPass, detail ?? _provider.Name);
        if (!_options.Admission.ShouldAdmit(rule, _rules.Count, _provider.Capabilities.Capacity))
        {
            return new MergeRefusal(OffloadReason.AdmissionPolicy, lastPass, _options.Admission.Name);
        }

        ReserveRegistry();
        _installing = rule;
        if (!Link(rule))
        {
            _installing = null;
            return new MergeRefusal(OffloadReason.StaleTrace, lastPass, "dependency moved");
        }

        // From here on the rule is its own: whatever happens to it, the next merge begins with another draft.
        _draft = new MergedFlow();
        rule.Id = _nextId++;
        rule.MoveTo(MergedFlowState.Installing, _nowMs);
        rule.AskedAtMs = _nowMs;
        rule.Attempts = 1;
        if (!_provider.Create(rule, _nowMs))
        {
            Unlink(rule);
            _installing = null;
            rule.MoveTo(MergedFlowState.Rejected, _nowMs);
            return new MergeRefusal(OffloadReason.QueueFull, lastPass, _provider.Name);
        }

        Register(rule, hash, new AskedRule(trace.FlowHash, trace.OriginalKey, trace.OriginalLengthBytes));
        _installing = null;
        return default;
    }

    /// <summary>
    /// Makes room for one more rule in the registry. What can fail, does so here, before the device has heard of the rule: <see cref="Register"/> then only
    /// fills in.
    /// </summary>
    private void ReserveRegistry()
    {
        int count = _rules.Count + 1;
        _rules.EnsureCapacity(count);
        _byId.EnsureCapacity(count);
        _asked.EnsureCapacity(_asked.Count + 1);
        _byKey.EnsureCapacity(count);
        _byTrace.EnsureCapacity(count);
    }

    /// <summary>The one place where a rule gets into the registry. It cannot fail half-way: there is room, and an id is never used again.</summary>
    private void Register(MergedFlow rule, ulong hash, AskedRule asked)
    {
        rule.ListIndex = _rules.Count;
        _rules.Add(rule);
        _byId.Add(rule.Id, rule);
        _asked.Add(rule.Id, asked);
        _byKey.Add(rule);
        _byTrace[hash] = rule;
        _pendingCount++;
    }

    /// <summary>Links the rule on every dependency; false, with nothing linked, if one has moved already.</summary>
    private bool Link(MergedFlow rule)
    {
        int retained = 0;
        bool current = true;
        _gates?.Enter(rule);
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
        {
            if (!_megaflows.TryRetain(p.MegaflowId, p.Generation))
            {
                current = false;
                break;
            }

            retained++;
            _dependencies.Link(rule, DependencyIndex.OfMegaflow(p.MegaflowId));
        }

        if (!current)
        {
            _dependencies.Unlink(rule);
            _gates?.Leave(rule);
            for (int i = 0; i < retained; i++) _megaflows.Release(rule.Passes[i].MegaflowId, rule.Passes[i].Generation);
            return false;
        }

        // The mark comes first, with a full fence, as there is one between the tracker's new generation and its look at the marks: an invalidation is
        // either seen below, or reported, or both. From here on the slot stays the connection's.
        foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
        {
            ulong owner = DependencyIndex.OfConn(c.ConnId);
            if (_dependencies.IsEmpty(owner)) _conns.MarkOffloaded(c.ConnId);
            _dependencies.Link(rule, owner);
        }

        if (IsCurrent(rule)) return true;
        Unlink(rule);
        return false;
    }

    private void Unlink(MergedFlow rule)
    {
        _dependencies.Unlink(rule);
        _gates?.Leave(rule);
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan()) _megaflows.Release(p.MegaflowId, p.Generation);
        foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
        {
            if (_dependencies.IsEmpty(DependencyIndex.OfConn(c.ConnId))) _conns.UnmarkOffloaded(c.ConnId);
        }
    }

    private bool MegaflowsAreCurrent(MergedFlow rule)
    {
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
        {
            if (!_megaflows.IsCurrent(p.MegaflowId, p.Generation)) return false;
        }

        return true;
    }

    private bool IsCurrent(MergedFlow rule)
    {
        if (!MegaflowsAreCurrent(rule)) return false;
        foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
        {
            if (!_conns.IsOffloadable(c.ConnId, c.Generation)) return false;
        }

        return true;
    }

    private int HandleCompletions()
    {
        int total = 0;
        for (; ; )
        {
            int count = _provider.Poll(_completions, _nowMs);
            for (int i = 0; i < count; i++) Handle(in _completions[i]);
            if (count > 0) _answeredAtMs = _nowMs;
            total += count;
            if (count < _completions.Length) return total;
        }
    }

    private void Handle(in OffloadCompletion completion)
    {
        // An answer to a rule that is gone is a late or repeated one: ids are not reused.
        if (!_byId.TryGetValue(completion.RuleId, out MergedFlow? rule)) return;
        switch (completion.Kind)
        {
            case OffloadCompletionKind.Created:
                if (rule.State != MergedFlowState.Installing) return;
                _asked.Remove(rule.Id);
                _pendingCount--;
                rule.MoveTo(MergedFlowState.Active, _nowMs);
                Stats.Installed++;
                ReportInstall(rule);
                if (IsCurrent(rule)) return;
                Stats.Raced++;
                Kill(rule, OffloadReason.StaleTrace);
                break;
            case OffloadCompletionKind.CreateFailed:
                if (rule.State == MergedFlowState.Installing)
                {
                    rule.MoveTo(MergedFlowState.Dying, _nowMs);
                    DyingCount++;
                }

                rule.Reason = completion.Reason;
                rule.ReasonDetail = completion.Detail;
                CountRefused(rule);
                Finish(rule, wasThere: false);
                if (completion.Reason == OffloadReason.TableFull) Evict(rule);
                else if (OffloadReasons.IsLasting(completion.Reason)) Remember(rule);
                break;
            default:
                if (completion.Kind == OffloadCompletionKind.Lost && rule.State is MergedFlowState.Active or MergedFlowState.Installing)
                {
                    // A rule whose creation has not been confirmed was there all the same, and may have been hit.
                    if (rule.State == MergedFlowState.Active) _pendingCount++;
                    rule.Reason = completion.Reason;
                    rule.MoveTo(MergedFlowState.Dying, _nowMs);
                    DyingCount++;
                    ReportRevoke(rule);
                }
                else if (rule.State != MergedFlowState.Dying)
                {
                    return;
                }

                Credit(rule, completion.Counters);
                Finish(rule, wasThere: true);
                break;
        }
    }

    /// <summary>The device has refused the rule of this packet.</summary>
    private void CountRefused(MergedFlow rule)
    {
        AskedRule asked = _asked.GetValueOrDefault(rule.Id);
        Stats.Refused.Add(rule.Reason, asked.LengthBytes);
        Refusals.Add(asked.FlowHash, asked.Key, asked.LengthBytes, rule.Reason, rule.PassCount - 1, rule.ReasonDetail ?? _provider.Name, _nowMs);
    }

    private void Remember(MergedFlow rule)
        => _refused.Add(rule.TraceHash, new MergeRefusal(rule.Reason, rule.PassCount - 1, rule.ReasonDetail ?? _provider.Name), _nowMs + _options.SuppressionMs);

    private void Evict(MergedFlow newcomer)
    {
        MergedFlow? victim = _options.Admission.ChooseVictim(_rules, newcomer, _nowMs);
        if (victim is null)
        {
            Remember(newcomer);
            return;
        }

        Stats.Evicted++;
        Kill(victim, OffloadReason.TableFull);
    }
}
