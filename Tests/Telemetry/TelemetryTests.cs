using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Events and instruments say what the datapath counted. Listeners hear the whole process: nothing else runs meanwhile.</summary>
[Collection("Alone")]
public sealed class TelemetryTests
{
    private const EventKeywords All = MergeflowEventSource.Keywords.Batch | MergeflowEventSource.Keywords.Upcall | MergeflowEventSource.Keywords.Offload;

    private const string Firewall = """
        table=0,priority=10,tcp,ct_state=-trk,actions=ct(table=1)
        table=1,priority=10,tcp,ct_state=+trk+new,in_port=1,actions=ct(commit),output:2
        table=1,priority=10,tcp,ct_state=+trk+est,in_port=1,actions=output:2
        table=1,priority=10,tcp,ct_state=+trk+est,in_port=2,actions=output:1
        """;

    [Fact]
    public void Batch_events_add_up_to_the_counters()
    {
        using var listener = new RecordingListener();
        listener.Listen(EventLevel.Verbose, All);
        using OffloadedSwitch s = Run();
        PmdStats stats = s.Simulator.Datapath.Pmd.Stats;
        int id = s.Simulator.Datapath.TelemetryId;
        Assert.True(stats.MergedHits > 0 && stats.Upcalls > 0 && stats.EmcHits + stats.MegaflowHits > 0, "the run does not reach every tier");
        Assert.Equal(stats.Batches, (ulong)listener.Of(id, "Batch").Count());
        (string Member, ulong Expected)[] members =
        [
            ("received", stats.Rx), ("passes", stats.Passes), ("mergedHits", stats.MergedHits), ("emcHits", stats.EmcHits),
            ("megaflowHits", stats.MegaflowHits), ("upcalls", stats.Upcalls), ("transmitted", stats.Tx), ("dropped", stats.Dropped),
        ];
        foreach ((string member, ulong expected) in members) Assert.Equal((member, expected), (member, listener.Sum(id, "Batch", member)));
        Assert.All(listener.Of(id, "Batch"), e => Assert.InRange((long)RecordingListener.Member(e, "durationNs")!, 1, 10_000_000_000));
    }

    [Fact]
    public void Upcall_events_name_the_megaflows_that_they_made()
    {
        using var listener = new RecordingListener();
        listener.Listen(EventLevel.Informational, MergeflowEventSource.Keywords.Upcall);
        using OffloadedSwitch s = Run();
        int id = s.Simulator.Datapath.TelemetryId;
        EventWrittenEventArgs[] upcalls = [.. listener.Of(id, "Upcall")];
        Assert.Equal(s.Simulator.Datapath.Pmd.Stats.Upcalls, (ulong)upcalls.Length);
        Assert.Equal(s.Simulator.Datapath.Megaflows.All().Select(m => m.Id).Order(), upcalls.Select(e => (int)RecordingListener.Member(e, "megaflow")!).Order());
        Assert.All(upcalls, e => Assert.Equal(1, (int)RecordingListener.Member(e, "rules")!));
        Assert.Empty(listener.Of(id, "Batch"));

        // Those of the first pass have not been in table 1.
        int visitors = s.Simulator.Datapath.Megaflows.All().Count(static m => m.Rules.Any(static r => r.Table == 1));
        Assert.InRange(visitors, 1, upcalls.Length - 1);
        s.Change("table=1,priority=20,tcp,ct_state=+trk+est,in_port=1,actions=output:3");
        EventWrittenEventArgs revalidate = Assert.Single(listener.Of(id, "Revalidate"), e => (int)RecordingListener.Member(e, "checkedCount")! > 0);
        Assert.Equal(visitors, (int)RecordingListener.Member(revalidate, "checkedCount")!);
        Assert.Equal((int)s.Simulator.Datapath.Revalidator.Stats.Changed, (int)RecordingListener.Member(revalidate, "deletedCount")!);
        Assert.True(s.Simulator.Datapath.Revalidator.Stats.Changed > 0, "the change deleted nothing");
    }

    [Fact]
    public void Every_rule_is_merged_installed_revoked_and_removed_by_name()
    {
        using var listener = new RecordingListener();
        listener.Listen(EventLevel.Informational, MergeflowEventSource.Keywords.Offload);
        using OffloadedSwitch s = Run();
        int id = s.Simulator.Datapath.TelemetryId;
        s.Change("table=1,priority=20,tcp,ct_state=+trk+est,in_port=1,actions=output:3");
        OffloadStats stats = s.Offload.Stats;
        Assert.True(stats.Removed > 0, "the change removed no rule");
        EventWrittenEventArgs[] merges = [.. listener.Of(id, "Merge")];
        Assert.Equal(stats.Traces, (ulong)merges.Length);
        Assert.Equal(stats.Merged, (ulong)merges.Count(e => (string)RecordingListener.Member(e, "reason")! == "None"));
        Assert.Equal(stats.Installed, (ulong)listener.Of(id, "Install").Count());
        long[] removed = [.. listener.Of(id, "Remove").Select(e => (long)RecordingListener.Member(e, "rule")!)];
        Assert.Equal(stats.Removed, (ulong)removed.Length);
        Assert.Equal(removed.Order(), listener.Of(id, "Revoke").Select(e => (long)RecordingListener.Member(e, "rule")!).Order());
        Assert.All(listener.Of(id, "Revoke"), e => Assert.Equal("StaleTrace", RecordingListener.Member(e, "reason")));
        MergedFlow[] dead = [.. s.Offload.Report.DeadRules()];
        foreach (EventWrittenEventArgs e in listener.Of(id, "Remove"))
        {
            MergedFlow rule = Assert.Single(dead, r => r.Id == (long)RecordingListener.Member(e, "rule")!);
            Assert.Equal((long)rule.Packets, (long)RecordingListener.Member(e, "packets")!);
            Assert.Equal((long)rule.Bytes, (long)RecordingListener.Member(e, "bytes")!);
        }

        Assert.True(listener.Sum(id, "Remove", "packets") > 0, "no removed rule had forwarded anything");
    }

    [Fact]
    public void Nobody_listens_nothing_is_written()
    {
        var listener = new RecordingListener();
        listener.Listen(EventLevel.Verbose, All);
        listener.Dispose();
        Assert.False(MergeflowEventSource.Log.IsEnabled());
        using OffloadedSwitch s = Run();
        Assert.Empty(listener.Of(s.Simulator.Datapath.TelemetryId, "Batch"));
    }

    [Fact]
    public void Instruments_show_the_counters_and_forget_what_is_disposed()
    {
        Dictionary<string, long> seen = [];
        int id = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == RecordedMetrics.MeterName) l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if ((int)tags[0].Value! == id) seen[tags.Length > 1 ? $"{instrument.Name} {tags[1].Value}" : instrument.Name] = value;
        });
        int upcalls = 0;
        double seconds = 0;
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
        {
            if (instrument.Name != "mergeflow.upcall.duration") return;
            upcalls++;
            seconds += value;
        });
        listener.Start();
        using (OffloadedSwitch s = Run())
        {
            Engine.Runtime.Datapath d = s.Simulator.Datapath;
            id = d.TelemetryId;
            listener.RecordObservableInstruments();
            PmdStats stats = d.Pmd.Stats;
            Assert.Equal((long)stats.Rx, seen["mergeflow.received.packets"]);
            Assert.Equal((long)stats.TxBytes, seen["mergeflow.transmitted.bytes"]);
            Assert.Equal((long)stats.MergedHits, seen["mergeflow.lookups merged"]);
            Assert.Equal((long)stats.Upcalls, seen["mergeflow.lookups upcall"]);
            Assert.Equal(d.Megaflows.Count, seen["mergeflow.megaflows"]);
            Assert.Equal(1, seen["mergeflow.connections"]);
            Assert.Equal(s.Offload.RuleCount, seen["mergeflow.offload.rules"]);
            Assert.Equal((long)s.Offload.Stats.Installed, seen["mergeflow.offload.installed"]);
            Assert.True(seen["mergeflow.offload.rules"] > 0, "no rule");
            Assert.Equal((long)stats.Upcalls, upcalls);
            Assert.InRange(seconds, 1e-9, 10);
        }

        seen.Clear();
        listener.RecordObservableInstruments();
        Assert.Empty(seen);
    }

    /// <summary>A connection is opened, used until it is offloaded, and used on.</summary>
    private static OffloadedSwitch Run()
    {
        var s = new OffloadedSwitch(OffloadMode.Soft, Firewall);
        s.Handshake();
        for (uint i = 0; i < 50; i++)
        {
            s.Send(1, OffloadedSwitch.Segment(false, 1001 + i, 5001, 0x18, 1));
            s.Send(2, OffloadedSwitch.Segment(true, 5001, 1002 + i, 0x10));
        }

        return s;
    }
}
