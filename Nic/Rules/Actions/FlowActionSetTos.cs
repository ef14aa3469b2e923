namespace Mergeflow.Nic;

/// <summary>Writes the IPv4 TOS byte or the IPv6 traffic class; mask 0xfc is DSCP only (<c>SET_IPV4_DSCP</c>).</summary>
/// <param name="Tos">DSCP and ECN.</param>
public sealed record FlowActionSetTos(Masked<byte> Tos) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_tos";

    /// <inheritdoc/>
    public override bool IsPartial => Tos.Mask is not (0xff or 0xfc);
}
