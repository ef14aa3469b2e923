using System.Diagnostics.Tracing;
using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>What is allocated: one object of every 100 KiB or so, by its type, as the runtime's events tell.</summary>
public sealed class AllocationTicks : EventListener
{
    private const string Runtime = "Microsoft-Windows-DotNETRuntime";
    private const EventKeywords Collector = (EventKeywords)1;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _bytes = [];

    /// <summary>Bytes by type so far, the most first; begins anew.</summary>
    public IReadOnlyList<(string Type, long Bytes)> Take()
    {
        lock (_lock)
        {
            (string, long)[] taken = [.. _bytes.OrderByDescending(static b => b.Value).Select(static b => (b.Key, b.Value))];
            _bytes.Clear();
            return taken;
        }
    }

    /// <inheritdoc/>
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Runtime) EnableEvents(eventSource, EventLevel.Verbose, Collector);
    }

    /// <inheritdoc/>
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName?.StartsWith("GCAllocationTick", StringComparison.Ordinal) != true) return;
        int type = eventData.PayloadNames!.IndexOf("TypeName"), amount = eventData.PayloadNames.IndexOf("AllocationAmount64");
        if (type < 0 || amount < 0) return;
        string name = eventData.Payload![type] as string ?? "?";
        long bytes = Convert.ToInt64(eventData.Payload[amount], CultureInfo.InvariantCulture);
        lock (_lock) _bytes[name] = _bytes.GetValueOrDefault(name) + bytes;
    }
}
