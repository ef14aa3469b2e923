namespace Mergeflow.Engine.Telemetry;

/// <summary>A poller has thrown.</summary>
/// <param name="DatapathId">Number of the datapath; 0 = it belongs to none.</param>
/// <param name="Poller"><see cref="IPoller.Name"/>.</param>
/// <param name="Exception">What was thrown.</param>
/// <param name="Consequence">What becomes of it, to go on a line behind the poller's name.</param>
public sealed record PollerFailure(int DatapathId, string Poller, Exception Exception, string Consequence)
{
    /// <summary>One line for a log.</summary>
    public string Line => $"{Poller} thread: {Exception.GetType().Name}: {Exception.Message.ReplaceLineEndings(" ")}; it {Consequence}";
}

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
