using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <content>A change of the tables: all megaflows are translated again, or those that one flow modification may concern.</content>
public sealed partial class MegaflowRevalidator
{
    private readonly HashSet<Megaflow> _concerned = [];

    /// <summary>
    /// Re-translates now every megaflow that a change since the last time may concern; on return none contradicts the tables. Packets that are not pushed yet
    /// are counted for the rules that handled them, those that a device has not reported yet included (OVS <c>revalidate_ukey</c> counts them for the rules of
    /// the new translation).
    /// </summary>
    public int RevalidateAll(long nowMs)
    {
        if (!MergeflowEventSource.Log.IsOn(MergeflowEventSource.Keywords.Upcall)) return TranslateAll(nowMs);
        ulong deleted = Stats.Changed;
        long startNs = MonotonicClock.NowNs;
        int checkedCount = TranslateAll(nowMs);
        MergeflowEventSource.Log.Revalidate(TelemetryId, checkedCount, (int)(Stats.Changed - deleted), MonotonicClock.NowNs - startNs);
        return checkedCount;
    }

    private int TranslateAll(long nowMs)
    {
        if (IsSliced) return Notice(nowMs, SliceOfCall());
        _nowMs = nowMs;
        ulong to = _backer.Version;
        bool isKnown = FindConcerned(int.MaxValue);
        _isInRound = false;
        SeeEverything();
        _upcall.SeenVersion = to;
        MegaflowTable table = _upcall.Megaflows;
        _isCredited = false;
        _round.Clear();
        if (isKnown) _round.AddRange(_concerned);
        else _round.AddRange(table.All());
        if (isKnown) _round.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        foreach (Megaflow m in _round) LookAgain(m, nowMs);
        _scratch.ReleaseRecircIds();
        table.Reclaim();
        _upcall.Classifier.ShrinkUnion();
        return _round.Count;
    }

    /// <summary>Finds the megaflows that modifications since the last time may concern. False if anything else has changed, or if they are more than <paramref name="most"/>, or not known yet.</summary>
    private bool FindConcerned(int most)
    {
        _concerned.Clear();
        if (_upcall.Classes is not { } classes || _isInRound || (AddressesChanged && !IsSliced) || !TablesChanged) return false;
        return ChangedRules.Since(_upcall.SeenVersion, _backer) is { } changed && changed.Find(classes, most, _concerned);
    }
}
