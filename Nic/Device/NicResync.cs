namespace Mergeflow.Nic;


/// <summary>The whole truth about a device's queue and tables.</summary>
/// <param name="Rules">Rules that exist.</param>
/// <param name="Completions">Every completion that was not fetched, lost ones included, each once: final counters are not lost with them.</param>
/// <param name="PendingCount">Requests that are still to be carried out; their completions will follow.</param>
public sealed record NicResync(IReadOnlyList<NicRuleInfo> Rules, IReadOnlyList<NicCompletion> Completions, int PendingCount);
