namespace Mergeflow.Nic;

/// <summary>MPLS label stack entry, outermost first, at most three (<c>RTE_FLOW_ITEM_TYPE_MPLS</c>).</summary>
public sealed record FlowItemMpls : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "mpls";

    /// <summary>Label, traffic class, bottom of stack, TTL.</summary>
    public Masked<uint> Lse { get; init; }
}
