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
