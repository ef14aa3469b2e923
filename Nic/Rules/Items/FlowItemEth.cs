namespace Mergeflow.Nic;

/// <summary>Ethernet header (<c>RTE_FLOW_ITEM_TYPE_ETH</c>).</summary>
public sealed record FlowItemEth : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "eth";

    /// <summary>Destination, 48 bits.</summary>
    public Masked<ulong> Dst { get; init; }

    /// <summary>Source, 48 bits.</summary>
    public Masked<ulong> Src { get; init; }

    /// <summary>Type behind the VLAN tags that the device parses (not the TPID); the inner type of an LLC/SNAP frame with OUI 0, 0x05ff for any other 802.3 frame.</summary>
    public Masked<ushort> Type { get; init; }

    /// <summary>Whether there is a tag; null = do not care.</summary>
    public bool? HasVlan { get; init; }
}
