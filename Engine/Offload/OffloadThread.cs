using System.Collections.Concurrent;
using System.Diagnostics;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Turns traces into rules in a device and takes them out again: merge, link dependencies, install, re-check, retire. One per packet thread.
/// </summary>
/// <remarks>
/// Packet threads only enqueue (<see cref="PmdOffload"/>). Everything else runs under one lock that no packet thread takes: the step itself, the
/// aging poller, and revocations by the control plane unless the device has gates (<c>.Revoke</c>). A rule is linked on every dependency before the provider
/// hears of it, and the generations are compared again afterwards: whatever moves in between is seen by one side or the other.
/// </remarks>
public sealed partial class OffloadThread : IPoller, IMegaflowObserver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly PmdOffload _pmd;
    private readonly IMegaflowLedger _megaflows;
    private readonly IConnLedger _conns;
    private readonly IOffloadProvider _provider;
    private readonly OffloadOptions _options;
    private readonly ITraceMerger _merger;
    private readonly RefusedTraces _refused = new();
    private readonly DependencyIndex _dependencies = new();
    private readonly Dictionary<long, MergedFlow> _byId = [];
    private readonly Dictionary<ulong, MergedFlow> _byTrace = [];
    private readonly HashSet<MergedFlow> _byKey = new(new MergedKeyComparer());
    private readonly Dictionary<long, AskedRule> _asked = [];
    private readonly List<MergedFlow> _rules = [];
    private readonly List<MergedFlow> _scratch = [];
    private readonly Queue<MergedFlow> _destroyLater = new();
    private readonly OffloadCompletion[] _completions = new OffloadCompletion[64];
    private readonly RevocationGates? _gates;
    private readonly ConcurrentQueue<Revocation> _revocations = new();
    private MergedFlow _draft = new();

    /// <summary>A billion rules a second use 64 bits up in 292 years.</summary>
    private long _nextId;
    private int _pendingCount;
    private long _nowMs;

    /// <summary>An offload thread.</summary>
    /// <param name="pmd">The packet thread's end.</param>
    /// <param name="source">Megaflows of that packet thread.</param>
    /// <param name="megaflows">Books packets on megaflows.</param>
    /// <param name="conns">Books packets on connections.</param>
    /// <param name="provider">The device; disposed with this object.</param>
    /// <param name="options">Null = defaults.</param>
    public OffloadThread(PmdOffload pmd, IMegaflowSource source, IMegaflowLedger megaflows, IConnLedger conns, IOffloadProvider provider, OffloadOptions? options = null)
    {
        _pmd = pmd;
        _megaflows = megaflows;
        _conns = conns;
        _provider = provider;
        _gates = provider.Gates;
        _options = options ?? new OffloadOptions();
        _nextId = _options.FirstRuleId;
        _merger = _options.Parts.Merger(source);
    }

    /// <summary>Number of the datapath in events and metrics.</summary>
    internal int TelemetryId { get; init; }

    /// <summary>What the times of steps are taken by.</summary>
    public SteadyClock Clock { get; init; } = new();

    /// <inheritdoc/>
    public string Name => "offload";

    /// <summary>Counters.</summary>
    public OffloadStats Stats { get; } = new();

    /// <summary>Latest refusals per flow by this thread; those of the packet thread are in <see cref="PmdOffload.Refusals"/>.</summary>
    public RefusalLog Refusals { get; } = new();

    /// <summary>The device.</summary>
    public IOffloadProvider Provider => _provider;

    /// <summary>The packet thread's end.</summary>
    public PmdOffload Pmd => _pmd;

    /// <summary>Rules in any state from Installing to Dying.</summary>
    public int RuleCount => _rules.Count;

    /// <summary>Revoked rules that are not confirmed gone.</summary>
    public int DyingCount { get; private set; }

    /// <summary>Rules have been revoked, and not all of them are Dying yet.</summary>
    public bool RevocationsUnderWay => _gates is { AreOpen: false };

    /// <inheritdoc/>
    public int Step(long nowMs)
    {
        nowMs = Clock.Of(nowMs);
        lock (_gate) return StepLocked(nowMs);
    }

    /// <inheritdoc/>
    public void Dispose() => _provider.Dispose();

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
        for (int i = 0; i < _options.TracesPerStep && _pmd.Traces.Peek() is { } trace; i++)
        {
            try
            {
                Handle(trace);
            }
            finally
            {
                // Also one that cannot be handled: it must not come again.
                _pmd.Traces.Release();
            }

            work++;
        }

        work += RetryDestroys();
        work += HandleCompletions();
        if (_pendingCount > 0) AskAgain();
        if (IsSuspended) ResumeIfClean();
        return work;
    }

    private void Handle(Trace trace)
    {
        Stats.Traces++;
        ulong hash = TraceHash.Of(trace);
        if (IsSuspended)
        {
            Count(trace, new MergeRefusal(OffloadReason.DeviceSuspended, 0, _provider.Name), hash, remember: false);
            return;
        }

        if (_byTrace.ContainsKey(hash))
        {
            Count(trace, new MergeRefusal(OffloadReason.AlreadyOffloaded, 0, "trace"), hash, remember: false);
            return;
        }

        if (_refused.TryGet(hash, _nowMs, out MergeRefusal refusal))
        {
            Count(trace, refusal, hash, remember: false);
            return;
        }

        MergedFlow rule = _draft;
        long begunTicks = Stopwatch.GetTimestamp();
        if (!_merger.TryMerge(trace, rule))
        {
            Count(trace, _merger.Refusal, hash, remember: true);
            return;
        }

        Stats.Merged++;
        rule.TraceHash = hash;
        rule.Timeline.RecordedAtMs = trace.RecordedAtMs;
        rule.Timeline.MergedAtMs = _nowMs;
        rule.Rate = MergedRate.Of(trace.FlowSeen.Packets, trace.FlowSeen.AgeMs, _nowMs);
        rule.Clock = new MergedClock { QueuedTicks = trace.QueuedTicks, BegunTicks = begunTicks, MergedTicks = Stopwatch.GetTimestamp() };
        refusal = Install(rule, hash, trace);
        if (refusal.Reason == OffloadReason.None)
        {
            ReportMerge(trace, OffloadReason.None);
            return;
        }

        Count(trace, refusal, hash, remember: true);
    }

    /// <summary>Notes a refused trace; a lasting reason stops its flow from being recorded for a while.</summary>
    private void Count(Trace trace, MergeRefusal refusal, ulong hash, bool remember)
    {
        Stats.Refused.Add(refusal.Reason, trace.OriginalLengthBytes);
        ReportMerge(trace, refusal.Reason);
        if (refusal.Reason == OffloadReason.AlreadyOffloaded) return;
        Refusals.Add(trace, refusal.Reason, refusal.Pass, refusal.Detail, _nowMs);
        if (!OffloadReasons.IsLasting(refusal.Reason)) return;
        _pmd.Suppress(trace.FlowHash, _nowMs, _options.SuppressionMs, refusal.Reason);
        if (remember) _refused.Add(hash, refusal, _nowMs + _options.SuppressionMs);
    }
}
