namespace Mergeflow.Nic;

/// <summary>Writes the IPv4 TTL or the IPv6 hop limit.</summary>
/// <param name="Ttl">New value.</param>
public sealed record FlowActionSetTtl(byte Ttl) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ttl";
}
