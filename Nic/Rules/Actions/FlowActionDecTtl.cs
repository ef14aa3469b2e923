namespace Mergeflow.Nic;

/// <summary>Decrements the TTL or hop limit. A frame whose TTL would not stay above 0 does not match the rule: it goes to software.</summary>
public sealed record FlowActionDecTtl : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "dec_ttl";
}
