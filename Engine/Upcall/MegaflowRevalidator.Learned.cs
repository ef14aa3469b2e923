using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Upcall;

/// <content>Addresses that <c>normal</c> has learned: only megaflows that asked for one look again when it changes.</content>
public sealed partial class MegaflowRevalidator
{
    private readonly bool _reportsWhenLearning;
    private readonly MacChanges _macChanges;
    private readonly List<MacKey> _changedAddresses = [];
    private readonly HashSet<Megaflow> _dependents = [];

    private bool AddressesChanged => !_upcall.InstallsNothing && (_backer.Addresses.ChangeCount != _upcall.SeenAddresses || _macChanges.HasMore || _upcall.Dependents.IsAnyWaiting);

    /// <summary>
    /// Translates the megaflows again that depend on a learned address which has changed, all of them; on return none contradicts what was learned
    /// before. A change of the tables is a round of its own.
    /// </summary>
    public int RevalidateLearned(long nowMs)
    {
        if (IsSliced && !_reportsWhenLearning) return NoticeLearned(nowMs);
        if (IsSliced) Notice(nowMs, SliceOfCall());
        else if (TablesChanged || _isInRound) return RevalidateAll(nowMs);
        if (_reportsWhenLearning) return ReportAllAndLookAtDependents(nowMs);
        int checkedCount = LookAtDependents(nowMs, Slice.Whole);
        if (!IsSliced) _upcall.Megaflows.Reclaim();
        return checkedCount;
    }

    /// <summary>
    /// As Open vSwitch does it: what is learned wakes a round over all megaflows, in which all report. Of those that do not depend on the address
    /// nothing but that is seen, so they are not translated.
    /// </summary>
    private int ReportAllAndLookAtDependents(long nowMs)
    {
        _nowMs = nowMs;
        if (!QueueDependents(int.MaxValue)) return RevalidateAll(nowMs);
        _isCredited = false;
        _dependents.Clear();
        while (_upcall.Dependents.Next() is { } dependent) _dependents.Add(dependent);
        MegaflowTable table = _upcall.Megaflows;
        _round.Clear();
        _round.AddRange(table.All());
        foreach (Megaflow m in _round)
        {
            if (_dependents.Contains(m))
            {
                LookAgain(m, nowMs);
            }
            else if (IsUnreadable(m))
            {
                Stats = Stats with { Changed = Stats.Changed + 1 };
                Remove(m);
            }
            else
            {
                m.HasReported = true;
                Push(m);
            }
        }

        _scratch.ReleaseRecircIds();
        table.Reclaim();
        return _dependents.Count;
    }

    /// <summary>As <see cref="Notice"/>: a few dependents at once, else all megaflows are in doubt.</summary>
    private int NoticeLearned(long nowMs)
    {
        Slice slice = SliceOfCall();
        int n = Notice(nowMs, slice);
        _nowMs = nowMs;
        bool isKnown = QueueDependents(AddressesPerSlice) && !_macChanges.HasMore;
        while (isKnown && n < MostAtOnce && slice.TakeLong() && _upcall.Dependents.Next() is { } m)
        {
            n++;
            LookAgain(m, nowMs);
        }

        _scratch.ReleaseRecircIds();
        if (!isKnown || _upcall.Dependents.IsAnyWaiting) Doubt(from: null);
        return n;
    }

    private bool QueueDependents(int most)
    {
        _upcall.SeenAddresses = _backer.Addresses.ChangeCount;
        _changedAddresses.Clear();
        if (!_macChanges.Take(_changedAddresses, most)) return false;
        foreach (MacKey key in _changedAddresses) _upcall.Dependents.Changed(key);
        return true;
    }

    private int LookAtDependents(long nowMs, Slice slice)
    {
        _nowMs = nowMs;
        if (!QueueDependents(IsSliced && !slice.IsWhole ? AddressesPerSlice : int.MaxValue))
        {
            if (IsSliced)
            {
                Doubt(from: null);
                return 1;
            }

            BeginRound();
            return slice.IsWhole ? RevalidateAll(nowMs) : StepRound(nowMs);
        }

        _isCredited = false;
        int n = 0;
        while (slice.TakeLong() && _upcall.Dependents.Next() is { } m)
        {
            n++;
            LookAgain(m, nowMs);
        }

        _scratch.ReleaseRecircIds();
        return n;
    }
}
