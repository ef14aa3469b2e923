namespace Mergeflow.Nic;


/// <summary>What to match and what to do (the arguments of DPDK <c>rte_flow_create</c>).</summary>
/// <param name="Attr">Port and table.</param>
/// <param name="Pattern">Items from the outermost header inwards. Each item also requires that its header is there and whole.</param>
/// <param name="Actions">Executed in order; no output at all = drop.</param>
public sealed record FlowRule(FlowAttr Attr, IReadOnlyList<FlowItem> Pattern, IReadOnlyList<FlowAction> Actions);
