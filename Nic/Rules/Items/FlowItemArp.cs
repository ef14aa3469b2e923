namespace Mergeflow.Nic;

/// <summary>ARP or RARP for Ethernet and IPv4 with an operation below 256 (<c>RTE_FLOW_ITEM_TYPE_ARP_ETH_IPV4</c>).</summary>
public sealed record FlowItemArp : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "arp_eth_ipv4";

    /// <summary>Operation.</summary>
    public Masked<ushort> Op { get; init; }

    /// <summary>Sender IPv4 address.</summary>
    public Masked<uint> Spa { get; init; }

    /// <summary>Target IPv4 address.</summary>
    public Masked<uint> Tpa { get; init; }

    /// <summary>Sender hardware address.</summary>
    public Masked<ulong> Sha { get; init; }

    /// <summary>Target hardware address.</summary>
    public Masked<ulong> Tha { get; init; }
}
