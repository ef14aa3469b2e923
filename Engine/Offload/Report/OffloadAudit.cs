namespace Mergeflow.Engine.Offload;

/// <summary>Whether everything that hardware counted has been booked, once, and no rule outlives what it depends on.</summary>
/// <param name="Lines">Device against rules, rules against megaflows, against connections, megaflows against OpenFlow rules.</param>
/// <param name="StaleRules">Active rules that depend on something which has moved.</param>
/// <param name="LiveRules">Rules that exist.</param>
public sealed record OffloadAudit(IReadOnlyList<OffloadAuditLine> Lines, int StaleRules, int LiveRules)
{
    /// <summary>True if nothing drifts and no rule is stale.</summary>
    public bool IsBalanced => StaleRules == 0 && Lines.All(static l => l.IsBalanced);
}
