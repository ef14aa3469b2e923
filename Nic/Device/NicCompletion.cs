namespace Mergeflow.Nic;


/// <summary>The outcome of a queued request (DPDK <c>struct rte_flow_op_result</c>).</summary>
/// <param name="Operation">Which request.</param>
/// <param name="Handle">The rule; after a failed create it names nothing any more.</param>
/// <param name="UserData">As given to the request.</param>
/// <param name="Counters">Destroy: the final counters, exact. Create: zero.</param>
/// <param name="Error">Null = done.</param>
public readonly record struct NicCompletion(NicOperation Operation, NicHandle Handle, ulong UserData, NicCounters Counters, FlowError? Error);
