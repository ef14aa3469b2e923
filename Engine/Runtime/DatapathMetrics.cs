using System.Diagnostics.Metrics;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// Instruments of the meter <c>Mergeflow</c> over every living datapath, told apart by the tag <c>datapath</c>. Counters that the packet path keeps
/// anyway are observed, on the listener's thread and at its pace; described in <c>docs/telemetry.md</c>.
/// </summary>
public static class DatapathMetrics
{
    private static readonly Meter s_meter = RecordedMetrics.Meter;
    private static readonly Lock s_gate = new();
    private static readonly List<Datapath> s_living = [];

    static DatapathMetrics()
    {
        Count("mergeflow.received.packets", "{packet}", "Packets received by software", static d => d.Stats.Rx);
        Count("mergeflow.received.bytes", "By", "Bytes received by software", static d => d.Stats.RxBytes);
        Count("mergeflow.transmitted.packets", "{packet}", "Packets transmitted by software", static d => d.Stats.Tx);
        Count("mergeflow.transmitted.bytes", "By", "Bytes transmitted by software", static d => d.Stats.TxBytes);
        Count("mergeflow.dropped.packets", "{packet}", "Passes that ended in a drop", static d => d.Stats.Dropped);
        Count("mergeflow.batches", "{batch}", "Batches processed", static d => d.Stats.Batches);
        Count("mergeflow.recirculations", "{packet}", "Recirculations", static d => d.Stats.Recirculations);
        s_meter.CreateObservableCounter("mergeflow.lookups", Lookups, "{lookup}", "Table lookups by the tier that decided");
        Level("mergeflow.megaflows", "{flow}", "Megaflows", static d => d.MegaflowCount);
        Level("mergeflow.connections", "{connection}", "Tracked connections", static d => d.Conntrack.Count);
        s_meter.CreateObservableCounter("mergeflow.connections.refused", RefusedConnections, "{packet}", "Packets that could not create a connection, by reason");
        Count("mergeflow.learn.put_off", "{rule}", "Rules that packets learned later, as the tables were being changed", static d => d.Learned.PutOff);
        Count("mergeflow.learn.refused", "{rule}", "The same that found no room to wait", static d => d.Learned.Refused);
        s_meter.CreateObservableCounter("mergeflow.revalidator.deleted", Deleted, "{flow}", "Megaflows deleted by cause");
        Level("mergeflow.offload.rules", "{rule}", "Merged rules from asked-for to confirmed gone", static d => d.Offload?.RuleCount ?? 0);
        Count("mergeflow.offload.installed", "{rule}", "Merged rules that the provider confirmed", static d => d.Offload?.Stats.Installed ?? 0);
        Count("mergeflow.offload.removed", "{rule}", "Merged rules that are gone", static d => d.Offload?.Stats.Removed ?? 0);
        Count("mergeflow.offload.hit.packets", "{packet}", "Packets of merged rules, as far as credited", static d => d.Offload?.Stats.Hits ?? 0);
        Count("mergeflow.offload.hit.bytes", "By", "Bytes of merged rules, as far as credited", static d => d.Offload?.Stats.HitBytes ?? 0);
        Level("mergeflow.offload.suspended", "{device}", "1 while the device is out of the path", static d => d.Offload is { IsSuspended: true } ? 1 : 0);
        Count("mergeflow.offload.suspensions", "{suspension}", "Times that the device was taken out of the path", static d => d.Offload?.Stats.Suspensions ?? 0);
        Count("mergeflow.offload.unacknowledged", "{change}", "Changes that the device did not confirm", static d => d.Offload?.Stats.Unacknowledged ?? 0);
        s_meter.CreateObservableCounter("mergeflow.offload.refused", Refused, "{trace}", "Recorded packets that gave no rule, by reason");
    }

    /// <summary>From now on the datapath is observed.</summary>
    internal static void Add(Datapath datapath)
    {
        lock (s_gate) s_living.Add(datapath);
    }

    /// <summary>A datapath is about to go: who keeps its last values reads them now. Called by the thread that disposes of it.</summary>
    public static event Action? Leaving;

    /// <summary>The datapath is about to go: no listener reads it after this.</summary>
    internal static void Remove(Datapath datapath)
    {
        Leaving?.Invoke();
        lock (s_gate) s_living.Remove(datapath);
    }

    private static void Count(string name, string unit, string about, Func<Datapath, ulong> read)
        => s_meter.CreateObservableCounter(name, () => Observe(d => [new Measurement<long>((long)read(d), Tag(d.TelemetryId))]), unit, about);

    private static void Level(string name, string unit, string about, Func<Datapath, int> read)
        => s_meter.CreateObservableUpDownCounter(name, () => Observe(d => [new Measurement<long>(read(d), Tag(d.TelemetryId))]), unit, about);

    private static List<Measurement<long>> Lookups() => Observe(static d =>
    [
        Tagged(d, d.Stats.MergedHits, "tier", "merged"),
        Tagged(d, d.Stats.EmcHits, "tier", "emc"),
        Tagged(d, d.Stats.MegaflowHits, "tier", "megaflow"),
        Tagged(d, d.Stats.Upcalls, "tier", "upcall"),
    ]);

    private static List<Measurement<long>> RefusedConnections() => Observe(static d =>
    [
        Tagged(d, d.Conntrack.RefusedByFullTable, "reason", "table"),
        Tagged(d, d.Conntrack.RefusedByZoneLimit, "reason", "zone"),
        Tagged(d, d.Conntrack.RefusedByNat, "reason", "nat"),
    ]);

    private static List<Measurement<long>> Deleted() => Observe(static d =>
    [
        Tagged(d, d.Revalidator.Stats.Idle, "cause", "idle"),
        Tagged(d, d.Revalidator.Stats.Changed, "cause", "changed"),
    ]);

    private static List<Measurement<long>> Refused() => Observe(static d => d.Offload is not { } offload
        ? []
        : [.. offload.Report.RefusedTotals().Sorted().Select(r => Tagged(d, r.Packets, "reason", r.Reason.ToString()))]);

    private static List<Measurement<long>> Observe(Func<Datapath, IEnumerable<Measurement<long>>> read)
    {
        lock (s_gate) return [.. s_living.SelectMany(read)];
    }

    private static Measurement<long> Tagged(Datapath datapath, ulong value, string tag, string name)
        => new((long)value, Tag(datapath.TelemetryId), new KeyValuePair<string, object?>(tag, name));

    private static KeyValuePair<string, object?> Tag(int datapath) => new("datapath", datapath);
}
