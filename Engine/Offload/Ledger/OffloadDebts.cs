using Mergeflow.Engine.Ledger;

namespace Mergeflow.Engine.Offload;

/// <summary>What follows from the counters of all merged rules there ever were.</summary>
/// <param name="Rules">Packets of the rules themselves, as received.</param>
/// <param name="Megaflows">What megaflows must have been credited.</param>
/// <param name="Connections">What connections must have been credited.</param>
/// <param name="StaleRules">Active rules that depend on something which has moved.</param>
/// <param name="LiveRules">Rules that exist.</param>
/// <param name="DyingRules">Of these, revoked ones whose removal the device has not confirmed.</param>
public readonly record struct OffloadDebts(BookTotals Rules, BookTotals Megaflows, BookTotals Connections, int StaleRules, int LiveRules, int DyingRules);
