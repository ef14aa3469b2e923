namespace Mergeflow.Nic;

/// <summary>Counts frames and bytes of the frame as received; without it a rule cannot be queried.</summary>
public sealed record FlowActionCount : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "count";
}
