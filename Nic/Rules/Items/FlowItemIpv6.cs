namespace Mergeflow.Nic;

/// <summary>IPv6 header without extension headers, whose length is sane (<c>RTE_FLOW_ITEM_TYPE_IPV6</c>): a packet with extension headers never matches.</summary>
public sealed record FlowItemIpv6 : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "ipv6";

    /// <summary>Source.</summary>
    public Masked<UInt128> Src { get; init; }

    /// <summary>Destination.</summary>
    public Masked<UInt128> Dst { get; init; }

    /// <summary>Next header.</summary>
    public Masked<byte> Proto { get; init; }

    /// <summary>Traffic class.</summary>
    public Masked<byte> Tos { get; init; }

    /// <summary>Hop limit.</summary>
    public Masked<byte> Ttl { get; init; }

    /// <summary>Flow label, 20 bits.</summary>
    public Masked<uint> FlowLabel { get; init; }
}
