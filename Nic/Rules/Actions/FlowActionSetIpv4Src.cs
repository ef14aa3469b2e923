namespace Mergeflow.Nic;

/// <summary>Writes the IPv4 source and updates the header, TCP and UDP checksums incrementally (RFC 1624).</summary>
/// <param name="Addr">Address.</param>
public sealed record FlowActionSetIpv4Src(Masked<uint> Addr) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ipv4_src";

    /// <inheritdoc/>
    public override bool IsPartial => Addr.Mask != uint.MaxValue;
}
