namespace Mergeflow.Nic;

/// <summary>VLAN tag, outermost first, at most two (<c>RTE_FLOW_ITEM_TYPE_VLAN</c>).</summary>
public sealed record FlowItemVlan : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "vlan";

    /// <summary>0x8100 or 0x88a8.</summary>
    public Masked<ushort> Tpid { get; init; }

    /// <summary>Priority, DEI and VLAN id, as they are on the wire.</summary>
    public Masked<ushort> Tci { get; init; }

    /// <summary>Whether a second tag follows; null = do not care. First tag only.</summary>
    public bool? HasMoreVlan { get; init; }
}
