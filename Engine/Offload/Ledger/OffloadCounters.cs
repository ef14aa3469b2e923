namespace Mergeflow.Engine.Offload;

/// <summary>A rule's counters, monotone from 0 at creation.</summary>
/// <param name="Packets">Packets forwarded or dropped by the rule.</param>
/// <param name="Bytes">Their bytes as received.</param>
/// <param name="LastUsedMs">Time of the last one on the runtime's clock, -1 = never or unknown.</param>
public readonly record struct OffloadCounters(ulong Packets, ulong Bytes, long LastUsedMs);
