namespace Mergeflow.Nic;


/// <summary>Attributes of a rule (DPDK <c>struct rte_flow_attr</c>, always ingress, plus the port that the rule is created on).</summary>
/// <param name="IngressPort">Port the frame came in on; null = any port.</param>
/// <param name="Table">Table the rule is put in.</param>
public sealed record FlowAttr(uint? IngressPort, FlowTable Table = FlowTable.Wildcard);
