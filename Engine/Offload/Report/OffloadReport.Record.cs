using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>What the offload thread notes on the way, under its lock: reasons, the dead, and what <see cref="MergeflowEventSource"/> is told.</summary>
public sealed partial class OffloadReport
{
    private const int GraveyardCapacity = 256;
    private readonly Queue<MergedFlow> _graveyard = new();

    private static bool IsHeard => MergeflowEventSource.Log.IsOn(MergeflowEventSource.Keywords.Offload);

    /// <summary>A trace became a rule that the device is asked for.</summary>
    internal void NoteMerge(Trace trace)
    {
        // The packet is that of the trace of what was inside.
        if (!trace.EndsInTunnel)
        {
            _thread.Stats.MadeRule += new BookTotals(1, (ulong)trace.OriginalLengthBytes);
            Fates?.MadeRule(in trace.OriginalKey, trace.OriginalLengthBytes);
        }

        TellMerge(trace, OffloadReason.None);
    }

    /// <summary>A trace did not become one.</summary>
    internal void NoteRefusal(Trace trace, in MergeRefusal refusal, long nowMs)
    {
        if (!trace.EndsInTunnel)
        {
            _thread.Stats.Refused.Add(refusal.Reason, trace.OriginalLengthBytes);
            Fates?.Refused(in trace.OriginalKey, trace.OriginalLengthBytes, refusal.Reason, refusal.Pass, refusal.Detail);
        }

        TellMerge(trace, refusal.Reason);
        if (refusal.Reason != OffloadReason.AlreadyOffloaded) Refusals.Add(trace, refusal.Reason, refusal.Pass, refusal.Detail, nowMs);
    }

    /// <summary>The device has refused a rule that it was asked for.</summary>
    internal void NoteRefusal(in AskedRule asked, in MergeRefusal refusal, long nowMs)
    {
        if (!asked.EndsInTunnel)
        {
            _thread.Stats.Refused.Add(refusal.Reason, asked.LengthBytes);
            _thread.Stats.MadeRule -= new BookTotals(1, (ulong)asked.LengthBytes);
            FlowKey key = asked.Key;
            Fates?.LostRule(in key, asked.LengthBytes);
            Fates?.Refused(in key, asked.LengthBytes, refusal.Reason, refusal.Pass, refusal.Detail);
        }

        Refusals.Add(asked.FlowHash, asked.Key, asked.LengthBytes, refusal.Reason, refusal.Pass, refusal.Detail, nowMs);
    }

    /// <summary>The device has confirmed a rule.</summary>
    internal void NoteInstall(MergedFlow rule, long nowMs)
    {
        _thread.Stats.Installed++;
        long latencyMs = nowMs - rule.Timeline.RecordedAtMs;
        RecordedMetrics.Installed(_thread.TelemetryId, latencyMs);
        if (IsHeard) MergeflowEventSource.Log.Install(_thread.TelemetryId, rule.Id, rule.PassCount, latencyMs);
    }

    /// <summary>A rule is to go.</summary>
    internal void NoteRevoke(MergedFlow rule)
    {
        if (IsHeard) MergeflowEventSource.Log.Revoke(_thread.TelemetryId, rule.Id, MergeflowEventSource.NameOf(rule.Reason));
    }

    /// <summary>A rule is gone. One that has been in the device is kept for a while, for who asks; returns one that is not kept any more, if there is one.</summary>
    internal MergedFlow? NoteRemove(MergedFlow rule, bool wasThere)
    {
        if (rule.Timeline.ActiveAtMs >= 0)
        {
            _thread.Stats.Removed++;
            _thread.Stats.RemovedBy.Add(rule.Reason, 0);
            if (IsHeard) MergeflowEventSource.Log.Remove(_thread.TelemetryId, rule.Id, (long)rule.Packets, (long)rule.Bytes);
        }

        if (!wasThere) return rule;
        MergedFlow? forgotten = _graveyard.Count == GraveyardCapacity ? _graveyard.Dequeue() : null;
        _graveyard.Enqueue(rule);
        return forgotten;
    }

    /// <summary>The device leaves the path.</summary>
    internal void NoteSuspend()
    {
        _thread.Stats.Suspensions++;
        if (IsHeard) MergeflowEventSource.Log.Suspend(_thread.TelemetryId, _thread.Provider.Name, _registry.DyingCount);
    }

    /// <summary>The device is back in the path.</summary>
    internal void NoteResume()
    {
        if (IsHeard) MergeflowEventSource.Log.Resume(_thread.TelemetryId, _thread.Provider.Name, _registry.Count);
    }

    private void TellMerge(Trace trace, OffloadReason reason)
    {
        if (IsHeard) MergeflowEventSource.Log.Merge(_thread.TelemetryId, trace.PassCount, MergeflowEventSource.NameOf(reason));
    }
}
