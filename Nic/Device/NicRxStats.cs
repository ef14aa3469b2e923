namespace Mergeflow.Nic;


/// <summary>What a receive queue has seen.</summary>
/// <param name="Hits">Frames that a rule took.</param>
/// <param name="HitBytes">Their bytes as received.</param>
/// <param name="Misses">Frames left to software.</param>
/// <param name="MissBytes">Their bytes.</param>
public readonly record struct NicRxStats(ulong Hits, ulong HitBytes, ulong Misses, ulong MissBytes);
