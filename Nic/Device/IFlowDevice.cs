namespace Mergeflow.Nic;

/// <summary>
/// A device with one match/action table, driven by an asynchronous rule queue (DPDK <c>rte_flow_async_*</c>). All methods are for the one
/// thread that owns the queue; time is the caller's clock in ns and never goes back.
/// </summary>
public interface IFlowDevice
{
    /// <summary>What it can do.</summary>
    NicProfile Profile { get; }

    /// <summary>Rules that exist now.</summary>
    int RuleCount { get; }

    /// <summary>Null if the profile can take the rule, whatever is in the tables now.</summary>
    FlowError? Validate(FlowRule rule);

    /// <summary>Asks for a rule; the answer comes with <see cref="Poll"/>. Returns false if the queue is full.</summary>
    bool EnqueueCreate(FlowRule rule, ulong userData, long nowNs, out NicHandle handle);

    /// <summary>Asks for the end of a rule; the completion carries its final counters. Returns false if the queue is full.</summary>
    bool EnqueueDestroy(NicHandle handle, ulong userData, long nowNs);

    /// <summary>Lets the device work up to <paramref name="nowNs"/> and fetches completions; returns how many.</summary>
    int Poll(Span<NicCompletion> completions, long nowNs);

    /// <summary>Reads counters as of the last refresh; null = done.</summary>
    FlowError? Query(NicHandle handle, long nowNs, out NicCounters counters);

    /// <summary>Fetches an event; false = none.</summary>
    bool TryDequeueEvent(out NicEvent? e);

    /// <summary>Lists the rules that exist and hands over all completions that were not fetched, lost ones included: after it the caller knows the device's state.</summary>
    NicResync Resync(long nowNs);

    /// <summary>
    /// Whether frames are matched against the rules; if not, all are software's. A switch of the port, not a request of the rule queue (a driver stops
    /// steering, or restarts the port): it works although the queue stands still, and on return no frame is handled by a rule any more.
    /// </summary>
    void SetMatching(bool isOn);
}

/// <summary>Names a rule (DPDK <c>struct rte_flow *</c>). Never reused; 0 is no rule.</summary>
public readonly record struct NicHandle(ulong Value)
{
    /// <summary>No rule.</summary>
    public static NicHandle None => default;
}

/// <summary>Kinds of queued requests.</summary>
public enum NicOperation : byte
{
    Create,
    Destroy,
}

/// <summary>The outcome of a queued request (DPDK <c>struct rte_flow_op_result</c>).</summary>
/// <param name="Operation">Which request.</param>
/// <param name="Handle">The rule; after a failed create it names nothing any more.</param>
/// <param name="UserData">As given to the request.</param>
/// <param name="Counters">Destroy: the final counters, exact. Create: zero.</param>
/// <param name="Error">Null = done.</param>
public readonly record struct NicCompletion(NicOperation Operation, NicHandle Handle, ulong UserData, NicCounters Counters, FlowError? Error);

/// <summary>Counters of a rule (DPDK <c>struct rte_flow_query_count</c>): monotone from 0 at creation.</summary>
/// <param name="Hits">Frames.</param>
/// <param name="Bytes">Bytes of the frames as received, without FCS.</param>
/// <param name="LastHitNs">Time of the last hit on the device clock; -1 = never.</param>
public readonly record struct NicCounters(ulong Hits, ulong Bytes, long LastHitNs);

/// <summary>A rule as the device knows it.</summary>
/// <param name="Handle">Its name.</param>
/// <param name="UserData">As given to create.</param>
/// <param name="Counters">As of the last counter refresh.</param>
public readonly record struct NicRuleInfo(NicHandle Handle, ulong UserData, NicCounters Counters);

/// <summary>The whole truth about a device's queue and tables.</summary>
/// <param name="Rules">Rules that exist.</param>
/// <param name="Completions">Every completion that was not fetched, lost ones included, each once: final counters are not lost with them.</param>
/// <param name="PendingCount">Requests that are still to be carried out; their completions will follow.</param>
public sealed record NicResync(IReadOnlyList<NicRuleInfo> Rules, IReadOnlyList<NicCompletion> Completions, int PendingCount);

/// <summary>An asynchronous event of a device.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="AtNs">When, on the device clock.</param>
/// <param name="DeadRules">Rules that ceased to exist, with their counters as of the last refresh: what they counted since is lost.</param>
public sealed record NicEvent(NicEventKind Kind, long AtNs, IReadOnlyList<NicRuleInfo> DeadRules);

/// <summary>Things a device says unasked (DPDK <c>enum rte_eth_event_type</c>).</summary>
public enum NicEventKind : byte
{
    /// <summary>All rules are gone (<c>RTE_ETH_EVENT_INTR_RESET</c>).</summary>
    Reset,
}
