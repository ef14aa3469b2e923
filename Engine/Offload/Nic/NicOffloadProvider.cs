using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Puts merged rules into a NIC: translates them to rte_flow-shaped rules (<see cref="NicMatch"/>, <see cref="NicProgram"/>) and keeps book of
/// what the device has been asked. Besides the command line, the only place that knows both worlds.
/// </summary>
public sealed unsafe class NicOffloadProvider : IOffloadProvider
{
    private const long NsPerMs = 1_000_000;

    /// <summary>Frames that are under way are waited for at once: it takes less than asking again.</summary>
    private sealed class Users(IGatedFlowDevice device) : IGracePeriod
    {
        public ulong Begin()
        {
            device.WaitForUsers();
            return 0;
        }

        public bool HasPassed(ulong point) => true;
    }

    private sealed class Entry
    {
        public NicHandle Handle;
        public bool CreatePending;
        public bool DestroyPending;
    }

    private readonly IFlowDevice _device;
    private readonly IGatedFlowDevice? _gated;
    private readonly Dictionary<long, Entry> _entries = [];
    private readonly Queue<OffloadCompletion> _answers = new();
    private readonly NicCompletion[] _completions = new NicCompletion[64];
    private long _deviceNs;

    /// <summary>
    /// Software parses one tag (<see cref="PacketFlags.OneTag"/>), the device two: what it takes for an IP packet behind two tags is none there, so
    /// frames with two tags are left to software.
    /// </summary>
    public bool OneTag { get; init; }

    private bool PinsTags => OneTag && _device.Profile.VlanTags > 1;

    /// <summary>A provider for <paramref name="device"/>, which it does not own.</summary>
    public NicOffloadProvider(IFlowDevice device)
    {
        _device = device;
        if ((_gated = device as IGatedFlowDevice) is { } gated) Gates = new RevocationGates(new Users(gated), gated.Gates);
        NicProfile p = device.Profile;
        Capabilities = new OffloadCapabilities(p.ExactMatchEntries + p.WildcardRows, KeepsConnections: false, RevokesAtOnce: false, CounterLagMs: (int)((p.CounterRefreshNs + NsPerMs - 1) / NsPerMs));
    }

    /// <inheritdoc/>
    public string Name { get; init; } = "nic";

    /// <inheritdoc/>
    public OffloadCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public RevocationGates? Gates { get; }

    /// <inheritdoc/>
    public void WaitForUsers() => _gated?.WaitForUsers();

    /// <inheritdoc/>
    public int RuleCount => _device.RuleCount;

    /// <inheritdoc/>
    public OffloadReason Validate(MergedFlow rule, out string? detail)
    {
        FlowRule? flow = Translate(rule, out OffloadReason reason, out detail, PinsTags);
        if (flow is null) return reason;
        FlowError? error = _device.Validate(flow);
        detail = error is null ? null : error.Subject ?? error.Message;
        return error is null ? OffloadReason.None : ReasonOf(error);
    }

    /// <summary>The rule as the device would get it, or null and the reason; for people and for tests.</summary>
    public static FlowRule? Translate(MergedFlow rule, out OffloadReason reason, out string? detail, bool oneTag = false)
    {
        reason = OffloadReason.UnsupportedAction;
        if (NicProgram.TryTranslate(rule, out detail) is not { } actions) return null;
        reason = OffloadReason.UnsupportedMatch;
        if (NicMatch.TryTranslate(rule, NicProgram.NeedsTransport(rule), out detail, oneTag) is not { } items) return null;
        reason = OffloadReason.None;
        FlowTable table = rule.IsExact ? FlowTable.ExactMatch : FlowTable.Wildcard;
        return new FlowRule(new FlowAttr(rule.Value.InPort.Host, table), items, actions);
    }

    /// <inheritdoc/>
    public bool Create(MergedFlow rule, long nowMs)
    {
        if (_entries.TryGetValue(rule.Id, out Entry? entry))
        {
            // Asked again: the first request is still under way, or its answer is.
            if (!entry.CreatePending) Answer(OffloadCompletionKind.Created, rule.Id, OffloadReason.None, null, default);
            return true;
        }

        if (Translate(rule, out OffloadReason reason, out string? detail, PinsTags) is not { } flow)
        {
            Answer(OffloadCompletionKind.CreateFailed, rule.Id, reason, detail, default);
            return true;
        }

        long now = Advance(nowMs);
        NicHandle handle;
        if (!(_gated is { } gated ? gated.EnqueueCreate(flow, (ulong)rule.Id, now, rule.Gate, out handle) : _device.EnqueueCreate(flow, (ulong)rule.Id, now, out handle))) return false;
        _entries.Add(rule.Id, new Entry { Handle = handle, CreatePending = true });
        return true;
    }

    /// <inheritdoc/>
    public bool Destroy(MergedFlow rule, long nowMs)
    {
        if (!_entries.TryGetValue(rule.Id, out Entry? entry))
        {
            Answer(OffloadCompletionKind.Destroyed, rule.Id, OffloadReason.None, null, default);
            return true;
        }

        // Even behind a create that is still under way: the device works in order, only answers may overtake each other.
        if (entry.DestroyPending) return true;
        entry.DestroyPending = _device.EnqueueDestroy(entry.Handle, (ulong)rule.Id, Advance(nowMs));
        return entry.DestroyPending;
    }

    /// <inheritdoc/>
    public bool Query(MergedFlow rule, long nowMs, out OffloadCounters counters)
    {
        counters = default;
        if (!_entries.TryGetValue(rule.Id, out Entry? entry)) return false;
        if (_device.Query(entry.Handle, Advance(nowMs), out NicCounters c) is not null) return false;
        counters = CountersOf(c);
        return true;
    }

    /// <inheritdoc/>
    public int Poll(Span<OffloadCompletion> completions, long nowMs)
    {
        if (_answers.Count == 0) Fetch(nowMs);
        int count = 0;
        while (count < completions.Length && _answers.TryDequeue(out OffloadCompletion a)) completions[count++] = a;
        return count;
    }

    /// <inheritdoc/>
    public void Resync(long nowMs)
    {
        NicResync state = _device.Resync(Advance(nowMs));
        TakeEvents();
        foreach (NicCompletion c in state.Completions) Take(in c);
    }

    /// <inheritdoc/>
    public void Drain(long nowMs, int limitMs)
    {
        long now = Advance(nowMs);
        long endNs = now + (limitMs * NsPerMs);
        for (long stepNs = 1000; ; stepNs *= 2)
        {
            NicResync state = _device.Resync(now);
            TakeEvents();
            foreach (NicCompletion c in state.Completions) Take(in c);
            if (state.PendingCount == 0 || now >= endNs) return;
            now = _deviceNs = Math.Min(now + stepNs, endNs);
        }
    }

    /// <inheritdoc/>
    public void Suspend() => _device.SetMatching(false);

    /// <inheritdoc/>
    public void Resume() => _device.SetMatching(true);

    /// <inheritdoc/>
    public void Dispose()
    {
        _entries.Clear();
        Gates?.Dispose();
    }

    /// <summary>The device's clock never goes back, not even behind a <see cref="Drain"/> that ran ahead.</summary>
    private long Advance(long nowMs) => _deviceNs = Math.Max(_deviceNs, nowMs * NsPerMs);

    private void Fetch(long nowMs)
    {
        // A reset's last counters come with its event: they must be taken before the failed requests that it left behind.
        int count = _device.Poll(_completions, Advance(nowMs));
        TakeEvents();
        for (int i = 0; i < count; i++) Take(in _completions[i]);
    }

    private void TakeEvents()
    {
        while (_device.TryDequeueEvent(out NicEvent? e))
        {
            foreach (NicRuleInfo dead in e!.DeadRules) Lose(dead);
        }
    }

    private void Lose(in NicRuleInfo dead)
    {
        long id = (long)dead.UserData;
        if (!_entries.TryGetValue(id, out Entry? entry) || entry.Handle != dead.Handle) return;
        _entries.Remove(id);
        Answer(OffloadCompletionKind.Lost, id, OffloadReason.DeviceReset, "reset", CountersOf(dead.Counters));
    }

    private void Take(in NicCompletion c)
    {
        // A completion that is delivered twice, or late, finds its rule gone or its request answered.
        long id = (long)c.UserData;
        if (!_entries.TryGetValue(id, out Entry? entry) || entry.Handle != c.Handle) return;
        if (c.Operation == NicOperation.Destroy)
        {
            _entries.Remove(id);
            Answer(OffloadCompletionKind.Destroyed, id, OffloadReason.None, null, CountersOf(c.Counters));
            return;
        }

        if (!entry.CreatePending) return;
        entry.CreatePending = false;
        if (c.Error is null)
        {
            Answer(OffloadCompletionKind.Created, id, OffloadReason.None, null, default);
            return;
        }

        _entries.Remove(id);
        Answer(OffloadCompletionKind.CreateFailed, id, ReasonOf(c.Error), c.Error.Subject ?? c.Error.Message, default);
    }

    private void Answer(OffloadCompletionKind kind, long ruleId, OffloadReason reason, string? detail, OffloadCounters counters)
        => _answers.Enqueue(new OffloadCompletion(kind, ruleId, reason, detail, counters));

    private static OffloadCounters CountersOf(NicCounters c) => new(c.Hits, c.Bytes, c.LastHitNs < 0 ? -1 : c.LastHitNs / NsPerMs);

    private static OffloadReason ReasonOf(FlowError error) => error.Errno switch
    {
        FlowErrno.NoSpace => OffloadReason.TableFull,
        FlowErrno.NoTemplate => OffloadReason.TemplateLimit,
        FlowErrno.Reset => OffloadReason.DeviceReset,
        FlowErrno.Again => OffloadReason.QueueFull,
        FlowErrno.Exists => OffloadReason.AlreadyOffloaded,
        FlowErrno.NotSupported => error.Type is FlowErrorType.Action or FlowErrorType.ActionConf or FlowErrorType.ActionNum
            ? OffloadReason.UnsupportedAction
            : OffloadReason.UnsupportedMatch,
        _ => OffloadReason.DeviceRefused,
    };
}
