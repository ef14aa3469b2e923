namespace Mergeflow.Engine.Offload;

/// <remarks>What only tests look at.</remarks>
public sealed partial class OffloadReport
{
    /// <summary>Rules per state.</summary>
    public IReadOnlyDictionary<MergedFlowState, int> CountByState()
    {
        using (_thread.LookIn()) return _registry.Rules.GroupBy(static r => r.State).ToDictionary(static g => g.Key, static g => g.Count());
    }
}
