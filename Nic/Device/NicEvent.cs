namespace Mergeflow.Nic;


/// <summary>An asynchronous event of a device.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="AtNs">When, on the device clock.</param>
/// <param name="DeadRules">Rules that ceased to exist, with their counters as of the last refresh: what they counted since is lost.</param>
public sealed record NicEvent(NicEventKind Kind, long AtNs, IReadOnlyList<NicRuleInfo> DeadRules);
