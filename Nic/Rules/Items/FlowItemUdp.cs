namespace Mergeflow.Nic;

/// <summary>Whole UDP header (<c>RTE_FLOW_ITEM_TYPE_UDP</c>).</summary>
public sealed record FlowItemUdp : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "udp";

    /// <summary>Source port.</summary>
    public Masked<ushort> Src { get; init; }

    /// <summary>Destination port.</summary>
    public Masked<ushort> Dst { get; init; }
}
