namespace Mergeflow.Nic;

/// <summary>Whole TCP header (<c>RTE_FLOW_ITEM_TYPE_TCP</c>): a later fragment or a cut header never matches.</summary>
public sealed record FlowItemTcp : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "tcp";

    /// <summary>Source port.</summary>
    public Masked<ushort> Src { get; init; }

    /// <summary>Destination port.</summary>
    public Masked<ushort> Dst { get; init; }

    /// <summary>The low 12 bits: NS .. FIN.</summary>
    public Masked<ushort> Flags { get; init; }
}
