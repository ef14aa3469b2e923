namespace Mergeflow.Nic;

/// <summary>Neighbour solicitation or advertisement behind an icmp6 item (<c>RTE_FLOW_ITEM_TYPE_ICMP6_ND_NS/NA</c> and its options), RFC 4861.</summary>
public sealed record FlowItemNd : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "icmp6_nd";

    /// <summary>Target address.</summary>
    public Masked<UInt128> Target { get; init; }

    /// <summary>Source link-layer address option, 0 if absent.</summary>
    public Masked<ulong> Sll { get; init; }

    /// <summary>Target link-layer address option, 0 if absent.</summary>
    public Masked<ulong> Tll { get; init; }
}
