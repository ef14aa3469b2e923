namespace Mergeflow.Nic;

/// <summary>Writes the IPv4 destination and updates the header, TCP and UDP checksums incrementally (RFC 1624).</summary>
/// <param name="Addr">Address.</param>
public sealed record FlowActionSetIpv4Dst(Masked<uint> Addr) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ipv4_dst";

    /// <inheritdoc/>
    public override bool IsPartial => Addr.Mask != uint.MaxValue;
}
