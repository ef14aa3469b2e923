namespace Mergeflow.Switch;

/// <summary>What a switch has done since it was built.</summary>
/// <param name="Received">Packets that were sent to it.</param>
/// <param name="Offloaded">Of these, packets that a merged rule forwarded or dropped, as far as counted.</param>
/// <param name="Transmitted">Frames that left it.</param>
/// <param name="Lost">Frames that left it and that nobody had read in time: see <see cref="VirtualSwitchBuilder.KeepOutputs"/>.</param>
/// <param name="MergedRules">Merged rules that there are now.</param>
/// <param name="Connections">Connections that are tracked now.</param>
public sealed record SwitchCounters(long Received, long Offloaded, long Transmitted, long Lost, int MergedRules, int Connections);
