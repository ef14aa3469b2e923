namespace Mergeflow.Nic;

/// <summary>Drops the frame; must be the only fate.</summary>
public sealed record FlowActionDrop : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "drop";
}
