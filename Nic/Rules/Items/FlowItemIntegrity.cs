namespace Mergeflow.Nic;

/// <summary>What the checksum unit says (<c>RTE_FLOW_ITEM_TYPE_INTEGRITY</c>). A checksum that was not verified is not good.</summary>
public sealed record FlowItemIntegrity : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "integrity";

    /// <summary>Requires a good IPv4 header checksum (IPv6 has none: always good).</summary>
    public bool Ipv4CsumOk { get; init; }

    /// <summary>Requires a good TCP, UDP, ICMP or ICMPv6 checksum. UDP over IPv4 without one is good; a fragment never is.</summary>
    public bool L4CsumOk { get; init; }
}
