namespace Mergeflow.Nic;


/// <summary>A rule as the device knows it.</summary>
/// <param name="Handle">Its name.</param>
/// <param name="UserData">As given to create.</param>
/// <param name="Counters">As of the last counter refresh.</param>
public readonly record struct NicRuleInfo(NicHandle Handle, ulong UserData, NicCounters Counters);
