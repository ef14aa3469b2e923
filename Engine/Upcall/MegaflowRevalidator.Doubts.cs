using Mergeflow.Engine.Lookup;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <content>
/// Beside packets a change takes a bounded time. The few megaflows that it may concern are translated again at once; where they are many, or it cannot be said which, all are in doubt: a packet
/// uses one only after it was looked at, merged rules are out of use, and slices look at the rest.
/// </content>
public sealed partial class MegaflowRevalidator
{
    /// <summary>Megaflows that are translated again at once.</summary>
    private const int MostAtOnce = 16;

    /// <summary>Megaflows whose place in an index is computed in a slice.</summary>
    private const int IndexedPerSlice = 256;

    /// <summary>Dead megaflows whose slots come back in a slice.</summary>
    private const int ReclaimedPerSlice = 64;

    /// <summary>Changed addresses that are taken in a slice.</summary>
    private const int AddressesPerSlice = 64;

    /// <summary>What the doubts are about; null = anything.</summary>
    private ChangedRules? _doubted;
    private ulong? _doubtedFrom;
    private int _doubtCursor;
    private int _walked;

    /// <summary>
    /// What bounds a slice of so many pieces at most; null = there are no slices, changes translate all that they may concern at once.
    /// </summary>
    public Func<int, Slice>? NextSlice { get; set; }

    internal bool IsSliced => NextSlice is not null;

    /// <summary>Slices of the current kind have something to do that does not wait for its time.</summary>
    public bool HasSlices => _upcall.Megaflows.IsInDoubt || (IsSliced && (TablesChanged || AddressesChanged || _upcall.Classes is { IsBuilding: true } || _upcall.Learning.Count > 0));

    /// <summary>Megaflows that were looked at because a packet wanted them.</summary>
    public ulong LookedAtByPackets { get; private set; }

    /// <summary>
    /// A packet has found a megaflow that is in doubt: it is translated again if a change may concern it. False if it is gone; then the packet looks again.
    /// </summary>
    internal bool LookAtHit(int id, long nowMs)
    {
        MegaflowTable table = _upcall.Megaflows;
        if (table[id] is not { } m) return false;
        LookedAtByPackets++;
        _nowMs = nowMs;
        LookAtDoubted(m, nowMs);
        _scratch.ReleaseRecircIds();
        return !m.Dead;
    }

    /// <summary>A slice of what is in doubt; 0 = nothing is any more, <see cref="Slice.NotYet"/> = it has to be called again.</summary>
    public int EndDoubts(long nowMs)
    {
        if (!_upcall.Megaflows.IsInDoubt) return 0;
        StepDoubts(nowMs, SliceOfCall());
        return _upcall.Megaflows.IsInDoubt ? Slice.NotYet : 0;
    }

    /// <summary>
    /// Work that control is waiting for and that may take long, in slices: something is done with each slot of the megaflow table. Returns <see cref="Slice.NotYet"/> until it is through; then it
    /// begins anew.
    /// </summary>
    private bool Walk(ref Slice slice, Action<Megaflow> work)
    {
        MegaflowTable table = _upcall.Megaflows;
        for (; _walked < table.HighWater; _walked++)
        {
            if (!slice.Take()) return false;
            work(table.Slot(_walked));
        }

        _walked = 0;
        return true;
    }

    /// <summary>The same for work that pushes.</summary>
    private bool WalkCrediting(ref Slice slice, Action<Megaflow> work)
    {
        _credits.Begin();
        try
        {
            return Walk(ref slice, work);
        }
        finally
        {
            _credits.End();
        }
    }

    /// <summary>The tables have changed: on return no packet is forwarded by what contradicts them.</summary>
    private int Notice(long nowMs, Slice slice)
    {
        if (!TablesChanged) return 0;
        _nowMs = nowMs;
        ulong from = _upcall.SeenVersion, to = _backer.Version;
        bool isKnown = FindConcerned(MostAtOnce);
        _upcall.SeenVersion = to;
        int n = 0;
        if (isKnown)
        {
            _round.Clear();
            _round.AddRange(_concerned);
            while (n < _round.Count && slice.TakeLong()) LookAgain(_round[n++], nowMs);
            _scratch.ReleaseRecircIds();
            if (n == _round.Count) return n;
        }

        Doubt(from);
        return n;
    }

    /// <summary>Puts all megaflows in doubt.</summary>
    /// <param name="from">The version of the tables that they were true by; null = it is not a matter of the tables.</param>
    private void Doubt(ulong? from)
    {
        MegaflowTable table = _upcall.Megaflows;
        if (!table.IsInDoubt)
        {
            _doubtedFrom = from;
            _upcall.Observer?.OnDoubt();
            table.IsInDoubt = true;
        }

        if (from is null) _doubtedFrom = null;
        table.Epoch++;
        _doubted = _upcall.Classes is not null && _doubtedFrom is { } version ? ChangedRules.Since(version, _backer) : null;
        _doubtCursor = 0;
    }

    /// <summary>
    /// Puts all megaflows out of use: a packet that finds one takes it out and has its own made, slices take out the rest. What they have counted is pushed with that.
    /// </summary>
    private void PurgeLater()
    {
        MegaflowTable table = _upcall.Megaflows;
        if (!table.IsInDoubt)
        {
            // What comes from now on is of the tables as they are.
            _doubtedFrom = _upcall.SeenVersion;
            _upcall.Observer?.OnDoubt();
            table.IsInDoubt = true;
        }

        table.Purge();
        _doubtCursor = 0;
    }

    private int StepDoubts(long nowMs, Slice slice)
    {
        MegaflowTable table = _upcall.Megaflows;
        int n = 1;
        bool hasLooked = false;
        for (; _doubtCursor < table.HighWater; _doubtCursor++)
        {
            if (!(hasLooked ? slice.TakeLong() : slice.Take())) break;
            hasLooked = false;
            if (table[_doubtCursor] is not { } m || IsTrue(m)) continue;
            hasLooked = LookAtDoubted(m, nowMs);
            n++;
        }

        _scratch.ReleaseRecircIds();
        if (_doubtCursor < table.HighWater) return n;
        table.IsInDoubt = false;
        _doubted = null;
        _upcall.Observer?.OnDoubtOver();
        _upcall.Classifier.ShrinkUnion();
        return n;
    }

    private unsafe bool IsTrue(Megaflow m) => m.Hot->TrueIn == _upcall.Megaflows.Epoch;

    private unsafe bool LookAtDoubted(Megaflow m, long nowMs)
    {
        if (TakeOutIfPurged(m)) return true;
        m.Hot->TrueIn = _upcall.Megaflows.Epoch;
        if (_doubted?.MayConcern(m) == false) return false;
        LookAgain(m, nowMs);
        return true;
    }

    /// <summary>A purge was about it: now it goes.</summary>
    private bool TakeOutIfPurged(Megaflow m)
    {
        if (!_upcall.Megaflows.IsPurged(m)) return false;
        Push(m);
        Remove(m);
        return true;
    }

    /// <summary>For what control waits for.</summary>
    private Slice SliceOfCall() => NextSlice?.Invoke(int.MaxValue) ?? Slice.Whole;

    /// <summary>What packets have learned while somebody had the tables, one after the other.</summary>
    private void LearnWaiting(ref Slice slice)
    {
        while (_upcall.Learning.Count > 0 && slice.TakeLong() && _upcall.Learning.TryNext())
        {
            // Until somebody has them again.
        }
    }

    private int StepSliced(long nowMs, Slice slice, out bool hasSwept)
    {
        hasSwept = false;
        _nowMs = nowMs;
        _upcall.Megaflows.Reclaim(ReclaimedPerSlice);
        LearnWaiting(ref slice);
        if (TablesChanged) return Math.Max(1, Notice(nowMs, slice));

        // Indexes first: until there is one for the rules that change, each change puts all in doubt again, and a walk that begins anew each time never ends.
        if (_upcall.Classes?.Build(IndexedPerSlice) is > 0 and var indexed) return indexed;
        if (_upcall.Megaflows.IsInDoubt) return StepDoubts(nowMs, slice);
        if (AddressesChanged && LookAtDependents(nowMs, slice) is > 0 and var looked) return looked;
        hasSwept = SweepIfDue(nowMs, slice);
        return 0;
    }
}
