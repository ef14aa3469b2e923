namespace Mergeflow.Nic;

/// <summary>Runs other actions on a copy of the frame as it is now (<c>RTE_FLOW_ACTION_TYPE_SAMPLE</c> with ratio 1).</summary>
/// <param name="Actions">What is done with the copy; no nested sample.</param>
public sealed record FlowActionSample(IReadOnlyList<FlowAction> Actions) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "sample";
}
