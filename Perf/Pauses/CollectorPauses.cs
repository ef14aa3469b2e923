using System.Diagnostics.Tracing;
using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>Every time the runtime has stopped all threads for the collector: from the request until they run again, as its events tell.</summary>
public sealed class CollectorPauses : EventListener
{
    private const string Runtime = "Microsoft-Windows-DotNETRuntime";
    private const EventKeywords Collector = (EventKeywords)1;

    private readonly Lock _lock = new();
    private readonly List<CollectorPause> _pauses = [];
    private DateTime? _begun;
    private DateTime _stopped;
    private int _generation;

    /// <summary>Those so far; begins anew.</summary>
    public CollectorPause[] Take()
    {
        lock (_lock)
        {
            CollectorPause[] taken = [.. _pauses];
            _pauses.Clear();
            return taken;
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
                    _begun = _stopped = eventData.TimeStamp;
                    _generation = -1;
                    break;
                case "GCStart_V2":
                    _generation = Convert.ToInt32(eventData.Payload![1], CultureInfo.InvariantCulture);
                    break;
                case "GCSuspendEEEnd_V1":
                    _stopped = eventData.TimeStamp;
                    break;
                case "GCRestartEEEnd_V1" when _begun is { } begun:
                    _pauses.Add(new CollectorPause((eventData.TimeStamp - begun).TotalMicroseconds, (_stopped - begun).TotalMicroseconds, _generation));
                    _begun = null;
                    break;
            }
        }
    }
}

/// <summary>One stop of all threads, us.</summary>
/// <param name="Us">From the request until they run again.</param>
/// <param name="UntilStoppedUs">Of it, until all had stopped.</param>
/// <param name="Generation">What was collected; -1 = a part of a collection that runs beside the threads, or none.</param>
public readonly record struct CollectorPause(double Us, double UntilStoppedUs, int Generation);
