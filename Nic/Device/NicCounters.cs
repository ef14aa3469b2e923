namespace Mergeflow.Nic;


/// <summary>Counters of a rule (DPDK <c>struct rte_flow_query_count</c>): monotone from 0 at creation.</summary>
/// <param name="Hits">Frames.</param>
/// <param name="Bytes">Bytes of the frames as received, without FCS.</param>
/// <param name="LastHitNs">Time of the last hit on the device clock; -1 = never.</param>
public readonly record struct NicCounters(ulong Hits, ulong Bytes, long LastHitNs);
