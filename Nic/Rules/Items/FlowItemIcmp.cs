namespace Mergeflow.Nic;

/// <summary>ICMP header of at least 8 bytes over IPv4 (<c>RTE_FLOW_ITEM_TYPE_ICMP</c>).</summary>
public sealed record FlowItemIcmp : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "icmp";

    /// <summary>Type.</summary>
    public Masked<byte> Type { get; init; }

    /// <summary>Code.</summary>
    public Masked<byte> Code { get; init; }
}
