using Mergeflow.Engine.Offload;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <content>Changes of control, noted for who repeats what the switch has done.</content>
public sealed partial class Datapath
{
    private ChangeJournal[] _journals = [];

    /// <summary>Packet threads stand still: what concerns their tables is done here.</summary>
    private bool _standsStill;

    /// <summary>Somebody notes changes.</summary>
    private bool IsNoted => Volatile.Read(ref _journals).Length > 0;

    /// <summary>From now on changes are noted there. Under the control lock.</summary>
    internal void Hang(ChangeJournal journal) => Volatile.Write(ref _journals, [.. _journals, journal]);

    /// <summary>They are no longer.</summary>
    internal void Unhang(ChangeJournal journal)
    {
        using ControlScope control = new(this);
        Volatile.Write(ref _journals, [.. _journals.Where(j => j != journal)]);
    }

    /// <summary>Changes the tables of a bridge; megaflows follow if that is new (<see cref="Reconcile"/>).</summary>
    /// <param name="pipeline">The tables.</param>
    /// <param name="apply">Changes them; false = they are as they were.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="purge">As in <see cref="ApplyFlowMods"/>.</param>
    internal Acknowledgement Change(OfPipeline pipeline, Func<bool> apply, long nowMs, bool purge) => Note(pipeline, apply, nowMs) ? Reconcile(nowMs, purge) : Acknowledgement.Done;

    /// <summary>
    /// Changes the tables of a bridge. While somebody notes changes, packet threads stand still until they know: each packet has come before it or comes behind it. What it means for megaflows is for the caller.
    /// </summary>
    internal bool Note(OfPipeline pipeline, Func<bool> apply, long nowMs) => IsNoted ? Note([pipeline], apply, nowMs) : apply();

    /// <summary>The same for several bridges that change together.</summary>
    private bool Note(OfPipeline[] pipelines, Func<bool> apply, long nowMs) => Pause(() =>
    {
        Tables[] before = [.. pipelines.Select(Tables.Of)];
        if (!StandingStill(apply)) return false;
        StandingStill(() => Revalidator.RevalidateAll(nowMs) >= 0);
        long ns = MonotonicClock.NowNs;
        for (int i = 0; i < pipelines.Length; i++)
        {
            if (before[i].Difference(Tables.Of(pipelines[i]), ns) is { } change) Tell(change with { Bridge = pipelines[i].Name });
        }

        return true;
    });

    /// <summary>The same of something that packets see at once.</summary>
    /// <param name="pipeline">Of which bridge.</param>
    /// <param name="apply">Changes it; false = it is as it was.</param>
    /// <param name="change">What is noted, given the time.</param>
    /// <param name="nowMs">Time.</param>
    internal bool Note(OfPipeline pipeline, Func<bool> apply, Func<long, SwitchChange> change, long nowMs)
    {
        if (!IsNoted) return apply();
        return Pause(() =>
        {
            if (!StandingStill(apply)) return false;
            StandingStill(() => Revalidator.CatchUp(nowMs));
            Tell(change(MonotonicClock.NowNs) with { Bridge = pipeline.Name });
            return true;
        });
    }

    private void Tell(SwitchChange change)
    {
        foreach (ChangeJournal journal in _journals) journal.Note(change);
    }

    /// <summary>Does something while all packet threads stand still: what it wants of them is done here.</summary>
    private bool StandingStill(Func<bool> work)
    {
        _standsStill = true;
        try
        {
            return work();
        }
        finally
        {
            _standsStill = false;
        }
    }

    /// <summary>What is in the tables at one moment.</summary>
    private sealed record Tables(IReadOnlyList<OfRule> Rules, IReadOnlyList<GroupMod> Groups, IReadOnlyList<MeterMod> Meters)
    {
        public static Tables Of(OfPipeline pipeline) => new([.. pipeline.Rules], [.. pipeline.Groups], [.. pipeline.Meters.Select(static m => m.Mod)]);

        /// <summary>What is otherwise now; null = nothing.</summary>
        public TablesChange? Difference(Tables now, long ns)
        {
            HashSet<OfRule> gone = [.. Rules];
            List<OfRule> come = [.. now.Rules.Where(rule => !gone.Remove(rule))];
            TablesChange change = new(ns, [.. gone], come, [.. Groups.Except(now.Groups)], [.. now.Groups.Except(Groups)], [.. Meters.Except(now.Meters)], [.. now.Meters.Except(Meters)]);
            return change is { Gone.Count: 0, Come.Count: 0, GroupsGone.Count: 0, GroupsCome.Count: 0, MetersGone.Count: 0, MetersCome.Count: 0 } ? null : change;
        }
    }
}
