using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>What happens to rules, for whoever listens to <see cref="MergeflowEventSource"/>.</summary>
public sealed partial class OffloadThread
{
    private static bool IsHeard => MergeflowEventSource.Log.IsOn(MergeflowEventSource.Keywords.Offload);

    private void ReportMerge(Trace trace, OffloadReason reason)
    {
        if (IsHeard) MergeflowEventSource.Log.Merge(TelemetryId, trace.PassCount, MergeflowEventSource.NameOf(reason));
    }

    private void ReportInstall(MergedFlow rule)
    {
        long latencyMs = _nowMs - rule.Timeline.RecordedAtMs;
        RecordedMetrics.Installed(TelemetryId, latencyMs);
        if (IsHeard) MergeflowEventSource.Log.Install(TelemetryId, rule.Id, rule.PassCount, latencyMs);
    }

    private void ReportRevoke(MergedFlow rule)
    {
        if (IsHeard) MergeflowEventSource.Log.Revoke(TelemetryId, rule.Id, MergeflowEventSource.NameOf(rule.Reason));
    }

    private void ReportRemove(MergedFlow rule)
    {
        if (IsHeard) MergeflowEventSource.Log.Remove(TelemetryId, rule.Id, (long)rule.Packets, (long)rule.Bytes);
    }
}
