namespace Mergeflow.Nic;

/// <summary>What to match and what to do (the arguments of DPDK <c>rte_flow_create</c>).</summary>
/// <param name="Attr">Port and table.</param>
/// <param name="Pattern">Items from the outermost header inwards. Each item also requires that its header is there and whole.</param>
/// <param name="Actions">Executed in order; no output at all = drop.</param>
public sealed record FlowRule(FlowAttr Attr, IReadOnlyList<FlowItem> Pattern, IReadOnlyList<FlowAction> Actions);

/// <summary>Attributes of a rule (DPDK <c>struct rte_flow_attr</c>, always ingress, plus the port that the rule is created on).</summary>
/// <param name="IngressPort">Port the frame came in on; null = any port.</param>
/// <param name="Table">Table the rule is put in.</param>
public sealed record FlowAttr(uint? IngressPort, FlowTable Table = FlowTable.Wildcard);

/// <summary>Which of the two tables a rule goes to. Their rules never overlap with different results, so neither has priorities.</summary>
public enum FlowTable : byte
{
    /// <summary>Value/mask rows, searched after the exact-match table.</summary>
    Wildcard,

    /// <summary>A hash table per distinct mask (template); the number of masks is bounded by the profile.</summary>
    ExactMatch,
}
