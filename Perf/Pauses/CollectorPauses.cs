using System.Diagnostics.Tracing;

namespace Mergeflow.Perf;

/// <summary>Every time the runtime has stopped all threads for the collector: from the request until they run again, as its events tell.</summary>
public sealed class CollectorPauses : EventListener
{
    private const string Runtime = "Microsoft-Windows-DotNETRuntime";
    private const EventKeywords Collector = (EventKeywords)1;

    private readonly Lock _lock = new();
    private readonly List<double> _us = [];
    private DateTime? _begun;

    /// <summary>Lengths so far in us, shortest first; begins anew.</summary>
    public double[] Take()
    {
        lock (_lock)
        {
            double[] sorted = [.. _us.Order()];
            _us.Clear();
            return sorted;
        }
    }

    /// <inheritdoc/>
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Runtime) EnableEvents(eventSource, EventLevel.Informational, Collector);
    }

    /// <inheritdoc/>
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        lock (_lock)
        {
            switch (eventData.EventName)
            {
                case "GCSuspendEEBegin_V1":
                    _begun = eventData.TimeStamp;
                    break;
                case "GCRestartEEEnd_V1" when _begun is { } begun:
                    _us.Add((eventData.TimeStamp - begun).TotalMicroseconds);
                    _begun = null;
                    break;
            }
        }
    }
}
