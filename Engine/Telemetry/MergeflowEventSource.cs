using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Tracing;

namespace Mergeflow.Engine.Telemetry;

/// <summary>
/// Events of every datapath in the process, for <c>dotnet-trace</c>, PerfView or an <see cref="EventListener"/>: per batch, upcall, merge, rule;
/// never per packet. Described in <c>docs/telemetry.md</c>.
/// </summary>
[EventSource(Name = ProviderName)]
[UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Every member of every event is a number or a text.")]
public sealed unsafe class MergeflowEventSource : EventSource
{
    /// <summary>Name of the provider.</summary>
    public const string ProviderName = "Mergeflow";

    /// <summary>The one instance.</summary>
    public static readonly MergeflowEventSource Log = new();

    private static readonly string[] s_reasons = Enum.GetNames<OffloadReason>();

    private MergeflowEventSource()
    {
    }

    /// <summary>Events that are switched on together.</summary>
    public static class Keywords
    {
        /// <summary>One event per batch, at level Verbose.</summary>
        public const EventKeywords Batch = (EventKeywords)1;

        /// <summary>Misses and the revalidator.</summary>
        public const EventKeywords Upcall = (EventKeywords)2;

        /// <summary>The life of merged rules.</summary>
        public const EventKeywords Offload = (EventKeywords)4;
    }

    /// <summary>A batch was processed to its end. All numbers but <paramref name="durationNs"/> are of this batch alone.</summary>
    /// <param name="datapath">Number of the datapath; 0 for a packet thread without a datapath.</param>
    /// <param name="received">Packets received, 1..32.</param>
    /// <param name="passes">Passes through the software tables.</param>
    /// <param name="mergedHits">Packets that a merged rule forwarded.</param>
    /// <param name="emcHits">Passes decided by the exact-match cache.</param>
    /// <param name="megaflowHits">Passes decided by a megaflow search.</param>
    /// <param name="upcalls">Passes decided by the OpenFlow tables.</param>
    /// <param name="transmitted">Packets transmitted.</param>
    /// <param name="dropped">Passes that ended in a drop.</param>
    /// <param name="durationNs">Time from the first to the last instruction of the batch, ns.</param>
    [Event(1, Level = EventLevel.Verbose, Keywords = Keywords.Batch)]
    public void Batch(int datapath, int received, int passes, int mergedHits, int emcHits, int megaflowHits, int upcalls, int transmitted, int dropped, long durationNs)
    {
        int* ints = stackalloc int[] { datapath, received, passes, mergedHits, emcHits, megaflowHits, upcalls, transmitted, dropped };
        const int intCount = 9;
        EventData* data = stackalloc EventData[intCount + 1];
        for (int i = 0; i < intCount; i++) data[i] = Of(ints + i, sizeof(int));
        data[intCount] = Of(&durationNs, sizeof(long));
        WriteEventCore(1, intCount + 1, data);
    }

    /// <summary>A packet that no table knew was translated.</summary>
    /// <param name="datapath">Number of the datapath.</param>
    /// <param name="megaflow">Slot of the new megaflow; -1 = not installed, the table is full.</param>
    /// <param name="rules">OpenFlow rules visited.</param>
    /// <param name="actions">Records of the resulting program.</param>
    /// <param name="durationNs">Translation and installation, ns.</param>
    [Event(2, Level = EventLevel.Informational, Keywords = Keywords.Upcall)]
    public void Upcall(int datapath, int megaflow, int rules, int actions, long durationNs)
    {
        int* ints = stackalloc int[] { datapath, megaflow, rules, actions };
        const int intCount = 4;
        EventData* data = stackalloc EventData[intCount + 1];
        for (int i = 0; i < intCount; i++) data[i] = Of(ints + i, sizeof(int));
        data[intCount] = Of(&durationNs, sizeof(long));
        WriteEventCore(2, intCount + 1, data);
    }

    /// <summary>Every megaflow was translated again because the tables changed.</summary>
    /// <param name="datapath">Number of the datapath.</param>
    /// <param name="checkedCount">Megaflows looked at.</param>
    /// <param name="deletedCount">Of these, deleted.</param>
    /// <param name="durationNs">Time, ns.</param>
    [Event(3, Level = EventLevel.Informational, Keywords = Keywords.Upcall)]
    public void Revalidate(int datapath, int checkedCount, int deletedCount, long durationNs)
    {
        EventData* data = stackalloc EventData[4];
        data[0] = Of(&datapath, sizeof(int));
        data[1] = Of(&checkedCount, sizeof(int));
        data[2] = Of(&deletedCount, sizeof(int));
        data[3] = Of(&durationNs, sizeof(long));
        WriteEventCore(3, 4, data);
    }

    /// <summary>A trace was taken from the ring: merged into a rule, or refused.</summary>
    /// <param name="datapath">Number of the datapath.</param>
    /// <param name="passes">Passes of the trace.</param>
    /// <param name="reason"><see cref="OffloadReason"/>; <c>None</c> = a rule was made and asked for.</param>
    [Event(4, Level = EventLevel.Informational, Keywords = Keywords.Offload)]
    public void Merge(int datapath, int passes, string reason)
    {
        fixed (char* text = reason)
        {
            EventData* data = stackalloc EventData[3];
            data[0] = Of(&datapath, sizeof(int));
            data[1] = Of(&passes, sizeof(int));
            data[2] = Of(text, (reason.Length + 1) * sizeof(char));
            WriteEventCore(4, 3, data);
        }
    }

    /// <summary>The provider confirmed a rule.</summary>
    /// <param name="datapath">Number of the datapath.</param>
    /// <param name="rule">Id of the rule.</param>
    /// <param name="passes">Passes that it replaces.</param>
    /// <param name="latencyMs">From the packet that was recorded to now, ms of the runtime's clock.</param>
    [Event(5, Version = 1, Level = EventLevel.Informational, Keywords = Keywords.Offload)]
    public void Install(int datapath, long rule, int passes, long latencyMs)
    {
        EventData* data = stackalloc EventData[4];
        data[0] = Of(&datapath, sizeof(int));
        data[1] = Of(&rule, sizeof(long));
        data[2] = Of(&passes, sizeof(int));
        data[3] = Of(&latencyMs, sizeof(long));
        WriteEventCore(5, 4, data);
    }

    /// <summary>A rule may not be used any more; its removal was asked for.</summary>
    /// <param name="datapath">Number of the datapath.</param>
    /// <param name="rule">Id of the rule.</param>
    /// <param name="reason"><see cref="OffloadReason"/>.</param>
    [Event(6, Version = 1, Level = EventLevel.Informational, Keywords = Keywords.Offload)]
    public void Revoke(int datapath, long rule, string reason)
    {
        fixed (char* text = reason)
        {
            EventData* data = stackalloc EventData[3];
            data[0] = Of(&datapath, sizeof(int));
            data[1] = Of(&rule, sizeof(long));
            data[2] = Of(text, (reason.Length + 1) * sizeof(char));
            WriteEventCore(6, 3, data);
        }
    }

    /// <summary>A rule is gone and its last counters are credited.</summary>
    /// <param name="datapath">Number of the datapath.</param>
    /// <param name="rule">Id of the rule.</param>
    /// <param name="packets">Packets that it forwarded or dropped.</param>
    /// <param name="bytes">Their bytes as received.</param>
    [Event(7, Version = 1, Level = EventLevel.Informational, Keywords = Keywords.Offload)]
    public void Remove(int datapath, long rule, long packets, long bytes)
    {
        EventData* data = stackalloc EventData[4];
        data[0] = Of(&datapath, sizeof(int));
        data[1] = Of(&rule, sizeof(long));
        data[2] = Of(&packets, sizeof(long));
        data[3] = Of(&bytes, sizeof(long));
        WriteEventCore(7, 4, data);
    }

    /// <summary>A poller has thrown.</summary>
    /// <param name="datapath">Number of the datapath; 0 = it belongs to none.</param>
    /// <param name="poller"><see cref="IPoller.Name"/>.</param>
    /// <param name="line">What was thrown and what becomes of it.</param>
    [Event(8, Level = EventLevel.Error)]
    public void PollerFailed(int datapath, string poller, string line)
    {
        fixed (char* name = poller)
        fixed (char* text = line)
        {
            EventData* data = stackalloc EventData[3];
            data[0] = Of(&datapath, sizeof(int));
            data[1] = Of(name, (poller.Length + 1) * sizeof(char));
            data[2] = Of(text, (line.Length + 1) * sizeof(char));
            WriteEventCore(8, 3, data);
        }
    }

    /// <summary>The device was taken out of the path: it did not answer, or the offload thread failed.</summary>
    /// <param name="datapath">Number of the datapath.</param>
    /// <param name="provider">Name of the provider.</param>
    /// <param name="revoked">Rules in it that were revoked.</param>
    [Event(9, Level = EventLevel.Warning, Keywords = Keywords.Offload)]
    public void Suspend(int datapath, string provider, int revoked) => WriteDevice(9, datapath, provider, revoked);

    /// <summary>The device is in the path again.</summary>
    /// <param name="datapath">Number of the datapath.</param>
    /// <param name="provider">Name of the provider.</param>
    /// <param name="rules">Rules in it.</param>
    [Event(10, Level = EventLevel.Informational, Keywords = Keywords.Offload)]
    public void Resume(int datapath, string provider, int rules) => WriteDevice(10, datapath, provider, rules);

    [NonEvent]
    private void WriteDevice(int id, int datapath, string provider, int count)
    {
        fixed (char* text = provider)
        {
            EventData* data = stackalloc EventData[3];
            data[0] = Of(&datapath, sizeof(int));
            data[1] = Of(text, (provider.Length + 1) * sizeof(char));
            data[2] = Of(&count, sizeof(int));
            WriteEventCore(id, 3, data);
        }
    }

    /// <summary>Whether events of a keyword go anywhere.</summary>
    [NonEvent]
    internal bool IsOn(EventKeywords keywords) => IsEnabled(EventLevel.Informational, keywords);

    /// <summary>The name of a reason, without an allocation.</summary>
    [NonEvent]
    internal static string NameOf(OffloadReason reason) => s_reasons[(int)reason];

    /// <inheritdoc/>
    protected override void OnEventCommand(EventCommandEventArgs command) => TelemetryFlags.Batches = IsEnabled(EventLevel.Verbose, Keywords.Batch);

    private static EventData Of(void* value, int sizeBytes) => new() { DataPointer = (nint)value, Size = sizeBytes };
}
