namespace Mergeflow.Nic;

/// <summary>Removes the outer tag.</summary>
public sealed record FlowActionOfPopVlan : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_pop_vlan";
}
