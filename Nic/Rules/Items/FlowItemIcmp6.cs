namespace Mergeflow.Nic;

/// <summary>ICMPv6 header of at least 8 bytes (<c>RTE_FLOW_ITEM_TYPE_ICMP6</c>).</summary>
public sealed record FlowItemIcmp6 : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "icmp6";

    /// <summary>Type.</summary>
    public Masked<byte> Type { get; init; }

    /// <summary>Code.</summary>
    public Masked<byte> Code { get; init; }
}
