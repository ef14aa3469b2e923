using System.Diagnostics.Tracing;

namespace Mergeflow.Tests;

/// <summary>Keeps the events of one datapath.</summary>
internal sealed class RecordingListener : EventListener
{
    private readonly List<EventWrittenEventArgs> _events = [];

    /// <summary>Events so far, by name.</summary>
    public IEnumerable<EventWrittenEventArgs> Of(int datapath, string name) => _events.Where(e => e.EventName == name && (int)e.Payload![0]! == datapath);

    /// <summary>Sum of one member over all events of a name.</summary>
    public ulong Sum(int datapath, string name, string member)
        => Of(datapath, name).Aggregate(0UL, (sum, e) => sum + Convert.ToUInt64(Member(e, member), null));

    public static object? Member(EventWrittenEventArgs e, string member) => e.Payload![e.PayloadNames!.IndexOf(member)];

    /// <summary>Starts to listen.</summary>
    public void Listen(EventLevel level, EventKeywords keywords) => EnableEvents(MergeflowEventSource.Log, level, keywords);

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventSource.Name == MergeflowEventSource.ProviderName) _events.Add(eventData);
    }
}
