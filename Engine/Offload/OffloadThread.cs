using System.Collections.Concurrent;
using System.Diagnostics;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Turns traces into rules in a device and takes them out again: merge, link dependencies, install, re-check, retire. One per datapath, for all its packet threads.
/// </summary>
/// <remarks>
/// Packet threads only enqueue (<see cref="PmdOffload"/>). Everything else runs under one lock that no packet thread takes: the step itself, the
/// aging poller, and what control waits for, which comes between two traces (<see cref="SliceLock"/>). A rule is linked on every dependency before the provider
/// hears of it, and the generations are compared again afterwards: whatever moves in between is seen by one side or the other.
/// </remarks>
public sealed partial class OffloadThread : IPoller, IMegaflowObserver, IDisposable
{
    private readonly SliceLock _gate = new();
    private readonly PmdOffload[] _pmds;
    private readonly ConnEventRing[] _connEvents;
    private readonly IOffloadProvider _provider;
    private readonly OffloadOptions _options;
    private readonly ITraceMerger _merger;
    private readonly RefusedTraces _refused = new();
    private readonly RuleRegistry _registry;
    private readonly RuleLedger _ledger;
    private readonly List<MergedFlow> _scratch = [];
    private readonly Queue<(MergedFlow Rule, long Id)> _destroyLater = new();
    private readonly MergedFlowPool _pool = new();
    private readonly OffloadCompletion[] _completions = new OffloadCompletion[64];
    private readonly RevocationGates? _gates;
    private readonly ConcurrentQueue<Revocation> _revocations = new();
    private readonly Predicate<MergedFlow> _isStale;
    private readonly Predicate<MergedFlow> _isOverdue;
    private MergedFlow _draft = new();
    private int _turn;

    /// <summary>Traces that are handled at most while somebody waits.</summary>
    private int _mostTraces = int.MaxValue;
    private long _nowMs;

    /// <summary>An offload thread.</summary>
    /// <param name="pmd">The packet thread's end.</param>
    /// <param name="source">Megaflows of that packet thread.</param>
    /// <param name="megaflows">Books packets on megaflows.</param>
    /// <param name="conns">Books packets on connections.</param>
    /// <param name="provider">The device; disposed with this object.</param>
    /// <param name="options">Null = defaults.</param>
    public OffloadThread(PmdOffload pmd, IMegaflowSource source, IMegaflowLedger megaflows, IConnLedger conns, IOffloadProvider provider, OffloadOptions? options = null)
        : this([pmd], source, megaflows, conns, provider, options)
    {
    }

    /// <summary>An offload thread of several packet threads.</summary>
    /// <param name="pmds">The packet threads' ends, each with its own index.</param>
    /// <param name="source">Megaflows of all of them, by <see cref="MegaflowId"/>.</param>
    /// <param name="megaflows">Books packets on megaflows.</param>
    /// <param name="conns">Books packets on connections.</param>
    /// <param name="provider">The device; disposed with this object.</param>
    /// <param name="options">Null = defaults.</param>
    public OffloadThread(IReadOnlyList<PmdOffload> pmds, IMegaflowSource source, IMegaflowLedger megaflows, IConnLedger conns, IOffloadProvider provider, OffloadOptions? options = null)
    {
        _pmds = [.. pmds];
        _connEvents = [.. _pmds.Select(static p => p.ConnEvents), ControlEvents];
        _provider = provider;
        _gates = provider.Gates;
        _options = options ?? new OffloadOptions();
        _merger = _options.Parts.Merger(source);
        _registry = new RuleRegistry(megaflows, conns, _gates, _options.FirstRuleId);
        _ledger = new RuleLedger(_registry, provider, megaflows, conns, Stats);
        Report = new OffloadReport(this, _registry, _ledger);
        _isStale = r => !_registry.IsCurrent(r);
        _isOverdue = IsOverdue;
    }

    /// <summary>Number of the datapath in events and metrics.</summary>
    internal int TelemetryId { get; init; }

    /// <summary>What the times of steps are taken by.</summary>
    public SteadyClock Clock { get; init; } = new();

    /// <inheritdoc/>
    public string Name => "offload";

    /// <summary>Counters.</summary>
    public OffloadStats Stats { get; } = new();

    /// <summary>What is offloaded, and why not the rest.</summary>
    public OffloadReport Report { get; }

    /// <summary>The device.</summary>
    public IOffloadProvider Provider => _provider;

    /// <summary>The packet threads' ends.</summary>
    public IReadOnlyList<PmdOffload> Pmds => _pmds;

    /// <summary>Traces that wait to be merged.</summary>
    public int WaitingTraces => _pmds.Sum(static p => p.Traces.Count);

    /// <summary>Where control says which connections it has changed, if it is not a packet thread that does it.</summary>
    public ConnEventRing ControlEvents { get; } = new(4096);

    /// <summary>Connections have changed, and the rules of some may not have been looked at.</summary>
    public bool ConnEventsWait => Array.Exists(_connEvents, static ring => !ring.IsEmpty);

    /// <summary>Rules in any state from Installing to Dying.</summary>
    public int RuleCount => _registry.Count;

    /// <summary>Revoked rules that are not confirmed gone.</summary>
    public int DyingCount => _registry.DyingCount;

    /// <inheritdoc/>
    public int Step(long nowMs)
    {
        nowMs = Clock.Of(nowMs);
        _gate.EnterSlice();
        try
        {
            return StepLocked(nowMs);
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>Packet threads and control have left something to do.</summary>
    public bool HasWork => ConnEventsWait || !_revocations.IsEmpty || Array.Exists(_pmds, static p => p.Traces.Count > 0);

    /// <summary>What packet threads and control leave sets the latch; the device and the gates are asked every millisecond while something is under way there.</summary>
    public void BeforeSleep(PollSet set, long nowMs)
    {
        if (_registry.PendingCount > 0 || _registry.DyingCount > 0 || IsSuspended || _gates is { IsOpening: true }) set.AtMost(1);
    }

    /// <inheritdoc/>
    public void Dispose() => _provider.Dispose();

    /// <summary>The lock, for who reads: nothing is under way, and all that was revoked is Dying at least.</summary>
    internal Visit LookIn()
    {
        Visit visit = new(_gate);
        if (IsAbandoned) return visit;
        try
        {
            HandleRevocations();
        }
        catch (Exception e)
        {
            Fail(e);
        }

        return visit;
    }

    /// <summary>One step; a failure in it ends the step, not the thread.</summary>
    private int StepLocked(long nowMs)
    {
        if (IsAbandoned) return 0;
        _nowMs = nowMs;
        try
        {
            return StepOnce();
        }
        catch (Exception e)
        {
            Fail(e);
            return 0;
        }
    }

    private int StepOnce()
    {
        int work = HandleRevocations();
        work += HandleCompletions();
        work += HandleConnEvents();
        work += HandleTraces();
        work += RetryDestroys();
        work += HandleCompletions();
        if (_registry.PendingCount > 0) AskAgain();
        if (IsSuspended) ResumeIfClean();
        return work;
    }

    /// <summary>Takes traces of the packet threads in turn, as many as a step may.</summary>
    private int HandleTraces()
    {
        int work = 0;
        for (int without = 0; work < _options.TracesPerStep && without < _pmds.Length && _mostTraces > 0 && !MakesWay(work);)
        {
            if (_turn >= _pmds.Length) _turn = 0;
            PmdOffload pmd = _pmds[_turn++];
            if (pmd.Traces.Peek() is not { } trace)
            {
                without++;
                continue;
            }

            without = 0;
            work++;
            if (_mostTraces != int.MaxValue) _mostTraces--;
            try
            {
                HandleTrace(trace, pmd);
            }
            finally
            {
                // Also one that cannot be handled: it must not come again.
                pmd.Traces.Release();
            }
        }

        return work;
    }

    /// <summary>The thread's own slice ends behind any trace at which somebody else waits for the lock.</summary>
    private bool MakesWay(int handled) => handled > 0 && _mostTraces == int.MaxValue && _gate.HasGuests;

    private void HandleTrace(Trace trace, PmdOffload pmd)
    {
        trace.NameMegaflows(pmd.Index);
        Stats.Traces++;
        ulong hash = TraceHash.Of(trace);
        if (IsSuspended)
        {
            Refuse(trace, pmd, new MergeRefusal(OffloadReason.DeviceSuspended, 0, _provider.Name), hash, remember: false);
            return;
        }

        if (_registry.HasTrace(hash))
        {
            Refuse(trace, pmd, new MergeRefusal(OffloadReason.AlreadyOffloaded, 0, "trace"), hash, remember: false);
            return;
        }

        if (_refused.TryGet(hash, _nowMs, out MergeRefusal refusal))
        {
            Refuse(trace, pmd, refusal, hash, remember: false);
            return;
        }

        MergedFlow rule = _draft;
        long begunTicks = Stopwatch.GetTimestamp();
        if (!_merger.TryMerge(trace, rule))
        {
            Refuse(trace, pmd, _merger.Refusal, hash, remember: true);
            return;
        }

        Stats.Merged++;
        rule.TraceHash = hash;
        rule.Table = _provider.Capabilities.HasTablePerPmd ? pmd.Index : 0;
        rule.Timeline.RecordedAtMs = trace.RecordedAtMs;
        rule.Timeline.MergedAtMs = _nowMs;
        rule.Rate = MergedRate.Of(trace.FlowSeen.Packets, trace.FlowSeen.AgeMs, _nowMs);
        rule.Clock = new MergedClock { QueuedTicks = trace.QueuedTicks, BegunTicks = begunTicks, MergedTicks = Stopwatch.GetTimestamp() };
        refusal = Install(rule, trace);
        if (refusal.Reason == OffloadReason.None)
        {
            Report.NoteMerge(trace);
            return;
        }

        Refuse(trace, pmd, refusal, hash, remember: true);
    }

    /// <summary>Notes a refused trace; a lasting reason stops its flow from being recorded for a while.</summary>
    private void Refuse(Trace trace, PmdOffload pmd, MergeRefusal refusal, ulong hash, bool remember)
    {
        Report.NoteRefusal(trace, refusal, _nowMs);
        if (!OffloadReasons.IsLasting(refusal.Reason)) return;
        pmd.Suppress(trace.FlowHash, _nowMs, _options.SuppressionMs, refusal.Reason);
        if (remember) Remember(hash, refusal);
    }

    /// <summary>Somebody else than the thread itself has the lock, until it is disposed.</summary>
    internal readonly ref struct Visit
    {
        private readonly SliceLock _gate;

        public Visit(SliceLock gate)
        {
            gate.EnterAsGuest();
            _gate = gate;
        }

        public void Dispose() => _gate.Exit();
    }
}
