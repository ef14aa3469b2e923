using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Xlate;

namespace Mergeflow.Engine.Upcall;

/// <summary>
/// Keeps the megaflows of one packet thread true: pushes their statistics to OpenFlow rules, deletes idle ones, and re-translates them after a change. What is due for
/// the datapath as a whole, and when, is the <see cref="Revalidator"/>'s.
/// </summary>
public sealed partial class MegaflowRevalidator
{
    /// <summary>Most translations of one <see cref="Step"/>.</summary>
    private const int TranslationsPerStep = 128;

    private readonly PipelineBacker _backer;
    private readonly RecircStore _recircs;
    private readonly UpcallHandler _upcall;
    private readonly Translator _translator;
    private readonly XlateResult _scratch = new();
    private readonly RuleCredits _credits = new();
    private readonly bool _keepsStatistics;
    private readonly bool _purgeCountsForNewRules;
    private readonly long _maxIdleMs;
    private readonly long _maxRevalidatorMs;
    private long _nowMs;

    /// <summary>In this round <see cref="ReadDevice"/> has been called.</summary>
    private bool _isCredited;

    /// <summary>What there was when a round began: what takes another's place in it need not be looked at.</summary>
    private readonly List<Megaflow> _round = [];
    private int _roundCursor;
    private bool _isInRound;

    /// <summary>A revalidator of the megaflows that <paramref name="upcall"/> installs.</summary>
    /// <param name="pipeline">The tables; those of the other bridges of its datapath are meant as well.</param>
    /// <param name="recircs">Recirculation ids.</param>
    /// <param name="upcall">Makes the megaflows.</param>
    /// <param name="options">Times and habits.</param>
    public MegaflowRevalidator(OfPipeline pipeline, RecircStore recircs, UpcallHandler upcall, RevalidatorOptions options)
    {
        if (options.Quirks == Quirks.None) upcall.Classes = new MegaflowClasses(upcall.Megaflows);
        _keepsStatistics = !options.Quirks.LosesUnlabelledStatistics;
        _purgeCountsForNewRules = options.Quirks.PurgeCountsForNewRules;
        _reportsWhenLearning = options.Quirks.ReportsWhenLearning;
        _maxIdleMs = options.MaxIdleMs;
        _maxRevalidatorMs = options.MaxRevalidatorMs;
        _reportUse = ReportUse;
        _pushOrRemove = PushOrRemove;
        _backer = pipeline.Backer;
        _recircs = recircs;
        _upcall = upcall;
        _translator = new Translator(pipeline, recircs) { Backlog = upcall.Learning };
        _upcall.SeenVersion = _backer.Version;
        _upcall.SeenAddresses = _backer.Addresses.ChangeCount;
        _macChanges = _backer.Addresses.Follow(2 * pipeline.Options.MacTableSize);
        upcall.Megaflows.Reclaiming = m => Push(m);
        upcall.Megaflows.LookAtHit = LookAtHit;
    }

    /// <summary>Number of the datapath in events and metrics.</summary>
    internal int TelemetryId { get; init; }

    /// <summary>Credits what the offload device has counted up to a time, ms; null = there is none.</summary>
    public Action<long>? ReadDevice { get; set; }

    /// <summary>Megaflows deleted so far, by cause.</summary>
    public RevalidatorStats Stats { get; private set; }

    /// <summary>The tables, or what <c>normal</c> has learned, have changed since megaflows were translated.</summary>
    public bool IsBehind => TablesChanged || AddressesChanged || _isInRound;

    /// <summary>Where megaflows are put in by hand alone, no table says what they should be.</summary>
    private bool TablesChanged => !_upcall.InstallsNothing && _backer.Version != _upcall.SeenVersion;

    /// <summary>
    /// A slice: some megaflows are translated again if the OpenFlow tables have changed, or a learned address that they depend on; otherwise
    /// statistics are pushed and idle megaflows deleted.
    /// </summary>
    /// <param name="nowMs">Time.</param>
    /// <param name="most">Megaflows looked at.</param>
    /// <param name="hasSwept">All have reported, and idle ones are gone.</param>
    public int Step(long nowMs, int most, out bool hasSwept)
    {
        if (IsSliced) return StepSliced(nowMs, NextSlice!(most), out hasSwept);
        hasSwept = false;
        _nowMs = nowMs;
        Slice whole = Slice.Whole;
        LearnWaiting(ref whole);
        if (TablesChanged && !_isInRound) BeginRound();
        if (_isInRound) return StepRound(nowMs);
        if (AddressesChanged && LookAtDependents(nowMs, new Slice(TranslationsPerStep)) is > 0 and var looked) return looked;
        hasSwept = SweepIfDue(nowMs, new Slice(most));
        return 0;
    }

    private void BeginRound()
    {
        SeeEverything();
        (_isInRound, _roundCursor) = (true, 0);
    }

    /// <summary>A part of a round. Tables that change meanwhile get a round of their own, so each ends.</summary>
    private int StepRound(long nowMs)
    {
        MegaflowTable table = _upcall.Megaflows;
        _isCredited = false;
        int n = 0;
        for (; n < TranslationsPerStep && _roundCursor < table.HighWater; _roundCursor++)
        {
            if (table[_roundCursor] is not { } m) continue;
            n++;
            LookAgain(m, nowMs);
        }

        _isInRound = _roundCursor < table.HighWater;
        _scratch.ReleaseRecircIds();
        table.Reclaim();
        return Math.Max(1, n);
    }

    private void LookAgain(Megaflow m, long nowMs)
    {
        if (TakeOutIfPurged(m)) return;

        // What it owes belongs to the rules that it came from; how they look after the change is for later packets.
        bool hasPackets = HasPackets(m);
        Push(m, learns: false);
        RevalidationVerdict verdict = Judge(m, nowMs);
        if (hasPackets) LearnAgain(m);

        // A slice does not read the device: what that still counts for the old rules arrives there with a megaflow of their own.
        if (verdict == RevalidationVerdict.Keep && IsSliced && ReadDevice is not null && !HasSameStats(m, _scratch)) verdict = RevalidationVerdict.Modify;
        if (verdict == RevalidationVerdict.Keep)
        {
            if (!HasSameStats(m, _scratch)) PushRest(m, nowMs);
            Follow(m);
            return;
        }

        Stats = Stats with { Changed = Stats.Changed + 1 };
        if (verdict == RevalidationVerdict.Modify) _upcall.Replace(m, _scratch, nowMs);
        else Remove(m);
    }

    /// <summary>A round that begins now sees all that has changed so far.</summary>
    private void SeeEverything()
    {
        _upcall.SeenVersion = _backer.Version;
        _upcall.SeenAddresses = _backer.Addresses.ChangeCount;
        _changedAddresses.Clear();
        _macChanges.Take(_changedAddresses);
    }

    /// <summary>
    /// Deletes every megaflow (OVS <c>revalidator/purge</c>). Packets that are not pushed yet are counted for the rules that handled them,
    /// unless it shall be done as in Open vSwitch (<see cref="Quirks.PurgeCountsForNewRules"/>). In slices none is used any more on return, and each pushes when it is taken out.
    /// </summary>
    public int Purge(long nowMs)
    {
        _nowMs = nowMs;
        if (IsSliced)
        {
            PurgeLater();
            return 0;
        }

        _isInRound = false;
        SeeEverything();
        MegaflowTable table = _upcall.Megaflows;
        for (int i = 0; i < table.HighWater; i++)
        {
            if (table[i] is not { } m) continue;
            if (_purgeCountsForNewRules && !m.HasReported)
            {
                Judge(m, nowMs);
                Follow(m);
            }

            Push(m);
        }

        // Not before all are translated: they need each other's recirculation ids.
        for (int i = 0; i < table.HighWater; i++)
        {
            if (table[i] is { } m) Remove(m);
        }

        _scratch.ReleaseRecircIds();
        table.Reclaim();
        _upcall.Classifier.ShrinkUnion();
        return 0;
    }

    private void Remove(Megaflow m)
    {
        // What hardware still counts for it is credited until its slot is reclaimed, and pushed then.
        _upcall.Delete(m);
    }

    private unsafe RevalidationVerdict Judge(Megaflow m, long nowMs)
    {
        FlowKey key = m.FullKey;
        if (IsUnreadable(m)) return RevalidationVerdict.Delete;
        _translator.Learns = HasPackets(m);
        _translator.LearnsRules = false;
        RevalidationVerdict verdict = Revalidation.Judge(ref key, m.FullLengthBytes, _translator, _scratch, new ReadOnlySpan<DpAction>(m.Hot->Actions, m.Hot->ActionCount), ref m.Mask, nowMs);

        m.HasReported = true;
        return verdict;
    }

    /// <summary>The same actions, but perhaps through other rules: from now on these carry the statistics.</summary>
    private void Follow(Megaflow m)
    {
        MegaflowTable.Follow(m, UpcallHandler.ProgramOf(_scratch));
        _upcall.Dependents.Set(m, _scratch.AskedAddresses);
        if (m.Visited.IsSame(in _scratch.Visited)) return;
        _upcall.Classes?.Remove(m);
        m.Visited = _scratch.Visited;
        _upcall.Classes?.Add(m);
    }
}
