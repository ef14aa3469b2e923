using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <content>A change of the tables: all megaflows are translated again, or those that one flow modification may concern.</content>
public sealed partial class MegaflowRevalidator
{
    /// <summary>A changed rule leaves most megaflows as they are. Where masks are as narrow as another switch's, it may show in all that visit its table.</summary>
    private readonly bool _looksAtConcerned;

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
        _nowMs = nowMs;
        ChangedRules? changed = WhatChanged();
        _isInRound = false;
        SeeEverything();
        MegaflowTable table = _upcall.Megaflows;
        int checkedCount = 0;
        _isCredited = false;
        _round.Clear();
        _round.AddRange(table.All());
        foreach (Megaflow m in _round)
        {
            if (changed is not null && !MayBeConcerned(m, changed))
            {
                // That it is reported is all that would be seen of looking again.
                Push(m);
                m.HasReported = true;
                continue;
            }

            checkedCount++;
            LookAgain(m, nowMs);
        }

        _scratch.ReleaseRecircIds();
        table.Reclaim();
        _upcall.Classifier.ShrinkUnion();
        return checkedCount;
    }

    /// <summary>The rules of one flow modification, if nothing else has changed since all megaflows were true; null = look at every one.</summary>
    private ChangedRules? WhatChanged()
    {
        if (!_looksAtConcerned || _isInRound || AddressesChanged || !TablesChanged) return null;
        return _pipeline.LastChange is { } c && c.From == _seenVersion && c.To == _pipeline.RulesVersion ? new ChangedRules(c, _pipeline.Snapshot) : null;
    }

    private bool MayBeConcerned(Megaflow m, ChangedRules changed) => changed.MayConcern(m) || IsOrphan(m);

    /// <summary>Its packets were put aside by a translation that nobody has any more: it drops them now, whatever the rules are.</summary>
    private bool IsOrphan(Megaflow m) => m.Value.RecircId.Host is not 0 and var id && _recircs.Find(id) is null;
}
