namespace Mergeflow.Perf;

/// <summary>One window after all merged rules were deleted: how fast the offload takes over.</summary>
/// <param name="Ms">End of the window, ms after the deletion.</param>
/// <param name="PacketsPerSecond">Rate in the window.</param>
/// <param name="OffloadedPercent">Share of packets that merged rules took.</param>
/// <param name="Installed">Rules installed since the deletion.</param>
/// <param name="Tiers">Where the packets of the window were decided; null in files of older versions.</param>
public sealed record RampPoint(double Ms, double PacketsPerSecond, double OffloadedPercent, ulong Installed, TierShares? Tiers = null);
