namespace Mergeflow.Engine.Telemetry;

/// <summary>Where failed pollers are reported, at once and by the thread on which they failed.</summary>
public static class PollerFailures
{
    private static long s_count;

    /// <summary>Failures in this process.</summary>
    public static long Count => Interlocked.Read(ref s_count);

    /// <summary>For whoever writes the log. Handlers are called on the failed thread, perhaps under its lock: they must not call the datapath.</summary>
    public static event Action<PollerFailure>? Reported;

    internal static void Report(PollerFailure failure)
    {
        Interlocked.Increment(ref s_count);
        RecordedMetrics.PollerFailed(failure);
        if (MergeflowEventSource.Log.IsEnabled()) MergeflowEventSource.Log.PollerFailed(failure.DatapathId, failure.Poller, failure.Line);
        Reported?.Invoke(failure);
    }
}
