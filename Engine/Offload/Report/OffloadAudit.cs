using Mergeflow.Engine.Ledger;

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

/// <summary>One comparison of an audit.</summary>
/// <param name="Book">What is compared.</param>
/// <param name="Counted">What hardware counters say it must be.</param>
/// <param name="Booked">What was booked.</param>
public readonly record struct OffloadAuditLine(string Book, BookTotals Counted, BookTotals Booked)
{
    /// <summary>Booked minus counted, packets.</summary>
    public long DriftPackets => (long)(Booked.Packets - Counted.Packets);

    /// <summary>Booked minus counted, bytes.</summary>
    public long DriftBytes => (long)(Booked.Bytes - Counted.Bytes);

    /// <summary>True if the two agree.</summary>
    public bool IsBalanced => Counted == Booked;
}

/// <summary>What follows from the counters of all merged rules there ever were.</summary>
/// <param name="Rules">Packets of the rules themselves, as received.</param>
/// <param name="Outside">Of these, what rules have counted that take outer headers off: the same packets are counted by the rules for what was inside.</param>
/// <param name="Megaflows">What megaflows must have been credited.</param>
/// <param name="Connections">What connections must have been credited.</param>
/// <param name="StaleRules">Active rules that depend on something which has moved.</param>
/// <param name="LiveRules">Rules that exist.</param>
/// <param name="DyingRules">Of these, revoked ones whose removal the device has not confirmed.</param>
public readonly record struct OffloadDebts(BookTotals Rules, BookTotals Outside, BookTotals Megaflows, BookTotals Connections, int StaleRules, int LiveRules, int DyingRules);

/// <summary>Why a flow is, or is not, in the device.</summary>
/// <param name="Live">Rules that match it now.</param>
/// <param name="Dead">Rules that matched it and are gone, with the reason.</param>
/// <param name="Refusals">Why its packets were not offloaded, latest first.</param>
public sealed record OffloadExplanation(IReadOnlyList<MergedFlow> Live, IReadOnlyList<MergedFlow> Dead, IReadOnlyList<Refusal> Refusals);
