using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>Retiring: what a rule depended on has moved, or its device or slot is needed otherwise.</summary>
public sealed partial class OffloadThread
{
    /// <summary>The megaflow was deleted. When this returns, a device with gates uses none of its rules any more; others do until <see cref="Acknowledge"/>. Nobody waits here.</summary>
    public void OnMegaflowDeleted(int megaflowId) => OnMegaflowChanged(megaflowId);

    /// <summary>The megaflow's program or generation changed.</summary>
    public void OnMegaflowChanged(int megaflowId)
    {
        if (!IsAbandoned) _revocations.Enqueue(new Revocation(megaflowId, 0, _gates?.Close(megaflowId) ?? default));
    }

    /// <summary>
    /// While megaflows are in doubt their rules are not used. A device that takes all established traffic goes on, and is waited for (<c>Revalidator.EndDoubts</c>): sending it all to software at each change would cost more than any change.
    /// </summary>
    internal bool StandsAside => _gates is not null && _provider.Capabilities.KeepsConnections;

    /// <inheritdoc/>
    public void OnDoubt()
    {
        if (!IsAbandoned && StandsAside) _gates!.CloseAll();
    }

    /// <inheritdoc/>
    public void OnDoubtOver()
    {
        // Behind the revocations of those that were deleted meanwhile.
        if (StandsAside && !IsAbandoned) _revocations.Enqueue(new Revocation(Revocation.NoRule, 0, GateSet.All));
    }

    /// <summary>A port was removed: no rule may send to it, or take packets of a later port with the same number.</summary>
    public void OnPortRemoved(uint port)
    {
        if (!IsAbandoned) _revocations.Enqueue(new Revocation(Revocation.NoMegaflow, port, _gates?.CloseAll() ?? default));
    }

    /// <summary>How long the trace of a rule that did something else than software makes no rule: an hour, ms.</summary>
    private const int DifferenceMs = 3_600_000;

    /// <summary>Whether packets that the rule has taken are judged by what the tables and connections are now: it is in the device, and nothing that it was merged from has moved.</summary>
    internal bool IsInUse(long ruleId)
    {
        using Visit visit = new(_gate);
        return _registry.Find(ruleId) is { State: MergedFlowState.Active } rule && _registry.IsCurrent(rule);
    }

    /// <summary>The rule does something else than software: it goes, and what it was made of makes none for <see cref="DifferenceMs"/>. Null if it is gone already.</summary>
    internal MergedFlow? RevokeDiffering(long ruleId, string detail, long nowMs)
    {
        using Visit visit = new(_gate);
        if (IsAbandoned || _registry.Find(ruleId) is not { } rule || !IsLive(rule)) return null;
        _nowMs = Math.Max(_nowMs, nowMs);
        Kill(rule, OffloadReason.ShadowDifference);
        rule.ReasonDetail = detail;
        rule.IsShown = true;
        _refused.Add(rule.TraceHash, RefusalOf(rule), _nowMs + DifferenceMs);
        return rule;
    }

    private void KillAll() => KillEach(static _ => true, OffloadReason.StaleTrace);

    /// <summary>Takes the rules out of the device that were revoked, and opens the gates again that kept them from being used.</summary>
    private int HandleRevocations()
    {
        int count = _gates?.OpenPassed() ?? 0;
        while (_revocations.TryDequeue(out Revocation revocation))
        {
            if (revocation.MegaflowId == Revocation.NoMegaflow) KillUsers(revocation.Port);
            else if (revocation.MegaflowId != Revocation.NoRule) KillDependents(DependencyIndex.OfMegaflow(revocation.MegaflowId), OffloadReason.StaleTrace);
            _gates?.Open(in revocation.Closed);
            count++;
        }

        return count;
    }

    private void KillUsers(uint port) => KillEach(r => r.Ports.AsSpan().Contains(port), OffloadReason.StaleTrace);

    private int HandleConnEvents()
    {
        int count = 0;
        bool isAnyLost = false;
        foreach (ConnEventRing ring in _connEvents)
        {
            while (ring.TryTake(out ConnRef e))
            {
                KillStale(e.ConnId);
                count++;
            }

            isAnyLost |= ring.TakeOverflow();
        }

        if (!isAnyLost) return count;
        KillEach(_isStale, OffloadReason.CtChangesConnection);
        return count + 1;
    }

    /// <summary>Kills the connection's rules that were merged from a state it is no longer in.</summary>
    private void KillStale(int connId)
    {
        _scratch.Clear();
        _registry.CollectDependents(DependencyIndex.OfConn(connId), _scratch);
        foreach (MergedFlow r in _scratch)
        {
            if (!_registry.IsCurrent(r)) Kill(r, OffloadReason.CtChangesConnection);
        }
    }

    private void KillDependents(ulong owner, OffloadReason reason)
    {
        _scratch.Clear();
        _registry.CollectDependents(owner, _scratch);
        foreach (MergedFlow r in _scratch) Kill(r, reason);
    }

    private void KillEach(Predicate<MergedFlow> isMeant, OffloadReason reason)
    {
        _scratch.Clear();
        _registry.Collect(isMeant, _scratch);
        foreach (MergedFlow r in _scratch) Kill(r, reason);
    }

    private void Kill(MergedFlow rule, OffloadReason reason)
    {
        if (!IsLive(rule)) return;
        _registry.Retire(rule, reason, freesMatch: _provider.Capabilities.RevokesAtOnce, _nowMs);
        Report.NoteRevoke(rule);
        rule.AskedAtMs = _nowMs;
        rule.Attempts = 1;
        if (!_provider.Destroy(rule, _nowMs)) _destroyLater.Enqueue((rule, rule.Id));
    }

    private int RetryDestroys()
    {
        int count = 0;
        while (_destroyLater.TryPeek(out (MergedFlow Rule, long Id) later))
        {
            MergedFlow rule = later.Rule;
            if (rule.Id == later.Id && rule.State == MergedFlowState.Dying)
            {
                if (!_provider.Destroy(rule, _nowMs)) return count;
                rule.AskedAtMs = _nowMs;
            }

            _destroyLater.Dequeue();
            count++;
        }

        return count;
    }

    /// <summary>
    /// Requests without an answer: the completion may be lost. The device is asked what came of them; only those it knows nothing of are repeated.
    /// </summary>
    private void AskAgain()
    {
        // All rules are looked through for that; at one time the answer is the same.
        if (_lookedForOverdueMs == _nowMs) return;
        _lookedForOverdueMs = _nowMs;
        if (!_registry.Any(_isOverdue)) return;
        _provider.Resync(_nowMs);
        HandleCompletions();
        if (IsStalled()) Suspend();
        _scratch.Clear();
        _registry.Collect(_isOverdue, _scratch);
        foreach (MergedFlow r in _scratch)
        {
            Stats.Repeated++;
            r.Attempts++;
            r.AskedAtMs = _nowMs;
            _ = r.State == MergedFlowState.Dying ? _provider.Destroy(r, _nowMs) : _provider.Create(r, _nowMs);
        }
    }

    private long _lookedForOverdueMs = long.MinValue;

    private bool IsOverdue(MergedFlow rule)
        => rule.State is MergedFlowState.Installing or MergedFlowState.Dying && _nowMs - rule.AskedAtMs >= _options.CompletionTimeoutMs;
}

/// <summary>Rules that have to be taken out; where the device has gates, no packet uses them any more.</summary>
/// <param name="megaflowId">Those of this megaflow, or <see cref="NoMegaflow"/>: those of the port.</param>
/// <param name="port">OpenFlow port number.</param>
/// <param name="closed">What keeps them from being used.</param>
internal readonly struct Revocation(int megaflowId, uint port, GateSet closed)
{
    /// <summary>The port counts.</summary>
    public const int NoMegaflow = -1;

    /// <summary>None has to be taken out any more.</summary>
    public const int NoRule = -2;

    public readonly int MegaflowId = megaflowId;
    public readonly uint Port = port;
    public readonly GateSet Closed = closed;
}
