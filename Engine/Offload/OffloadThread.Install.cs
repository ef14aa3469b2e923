using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>Installing: check, link, ask, confirm, check again.</summary>
public sealed partial class OffloadThread
{
    /// <summary>Takes over <paramref name="rule"/> unless it returns a reason.</summary>
    private MergeRefusal Install(MergedFlow rule, Trace trace)
    {
        int lastPass = rule.PassCount - 1;
        if (_registry.HasMatch(rule)) return new MergeRefusal(OffloadReason.AlreadyOffloaded, lastPass, "key");
        OffloadReason reason = _provider.Validate(rule, out string? detail);
        if (reason != OffloadReason.None) return new MergeRefusal(reason, lastPass, detail ?? _provider.Name);
        if (!_options.Admission.ShouldAdmit(rule, _registry.Count, _provider.Capabilities.Capacity))
        {
            return new MergeRefusal(OffloadReason.AdmissionPolicy, lastPass, _options.Admission.Name);
        }

        if (!_registry.TryAdd(rule, new AskedRule(trace.FlowHash, trace.OriginalKey, trace.OriginalLengthBytes, trace.EndsInTunnel), _nowMs))
        {
            return new MergeRefusal(OffloadReason.StaleTrace, lastPass, "dependency moved");
        }

        // From here on the rule is its own: whatever happens to it, the next merge begins with another draft.
        _draft = _pool.Rent();
        rule.AskedAtMs = _nowMs;
        rule.Attempts = 1;
        if (_provider.Create(rule, _nowMs)) return default;
        _registry.Reject(rule, _nowMs);
        Recycle(rule);
        return new MergeRefusal(OffloadReason.QueueFull, lastPass, _provider.Name);
    }

    private int HandleCompletions()
    {
        int total = 0;
        for (; ; )
        {
            int count = _provider.Poll(_completions, _nowMs);
            for (int i = 0; i < count; i++) HandleCompletion(in _completions[i]);
            if (count > 0) _answeredAtMs = _nowMs;
            total += count;
            if (count < _completions.Length) return total;
        }
    }

    private void HandleCompletion(in OffloadCompletion completion)
    {
        // An answer to a rule that is gone is a late or repeated one: ids are not reused.
        if (_registry.Find(completion.RuleId) is not { } rule) return;
        switch (completion.Kind)
        {
            case OffloadCompletionKind.Created:
                if (rule.State != MergedFlowState.Installing) return;
                _registry.Confirm(rule, _nowMs);
                Report.NoteInstall(rule, _nowMs);
                if (_registry.IsCurrent(rule)) return;
                Stats.Raced++;
                Kill(rule, OffloadReason.StaleTrace);
                break;
            case OffloadCompletionKind.CreateFailed:
                HandleRefusal(rule, completion.Reason, completion.Detail);
                break;
            default:
                // A rule whose creation has not been confirmed was there all the same, and may have been hit.
                if (completion.Kind == OffloadCompletionKind.Lost && IsLive(rule))
                {
                    _registry.Retire(rule, completion.Reason, freesMatch: false, _nowMs);
                    Report.NoteRevoke(rule);
                }

                if (rule.State != MergedFlowState.Dying) return;
                _ledger.Credit(rule, completion.Counters, _nowMs);
                Recycle(Finish(rule, wasThere: true));
                break;
        }
    }

    /// <summary>The device does not take the rule.</summary>
    private void HandleRefusal(MergedFlow rule, OffloadReason reason, string? detail)
    {
        if (rule.State == MergedFlowState.Installing) _registry.Retire(rule, reason, freesMatch: false, _nowMs);
        rule.Reason = reason;
        rule.ReasonDetail = detail;
        MergeRefusal refusal = RefusalOf(rule);
        Report.NoteRefusal(_registry.AskedFor(rule), refusal, _nowMs);
        MergedFlow? forgotten = Finish(rule, wasThere: false);
        if (reason == OffloadReason.TableFull) Evict(rule);
        else if (OffloadReasons.IsLasting(reason)) Remember(rule.TraceHash, refusal);
        Recycle(forgotten);
    }

    private MergeRefusal RefusalOf(MergedFlow rule) => new(rule.Reason, rule.PassCount - 1, rule.ReasonDetail ?? _provider.Name);

    private void Remember(ulong traceHash, in MergeRefusal refusal) => _refused.Add(traceHash, refusal, _nowMs + _options.SuppressionMs);

    private void Evict(MergedFlow newcomer)
    {
        MergedFlow? victim = _options.Admission.ChooseVictim(_registry.Rules, newcomer, _nowMs);
        if (victim is null)
        {
            Remember(newcomer.TraceHash, RefusalOf(newcomer));
            return;
        }

        Stats.Evicted++;
        Kill(victim, OffloadReason.TableFull);
    }

    /// <summary>The rule is gone and its counters are credited: it lets go of everything. Returns the rule that nobody asks for any more, this one or another; null = none.</summary>
    private MergedFlow? Finish(MergedFlow rule, bool wasThere)
    {
        _ledger.Close(rule);
        _registry.Remove(rule, _nowMs);
        return Report.NoteRemove(rule, wasThere);
    }

    private void Recycle(MergedFlow? rule)
    {
        if (rule is not null) _pool.Return(rule);
    }

    private static bool IsLive(MergedFlow rule) => rule.State is MergedFlowState.Installing or MergedFlowState.Active;
}
