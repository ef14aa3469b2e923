namespace Mergeflow.Nic;

/// <summary>Writes the IPv6 destination and updates the TCP, UDP and ICMPv6 checksums incrementally.</summary>
/// <param name="Addr">Address.</param>
public sealed record FlowActionSetIpv6Dst(Masked<UInt128> Addr) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ipv6_dst";

    /// <inheritdoc/>
    public override bool IsPartial => Addr.Mask != UInt128.MaxValue;
}
