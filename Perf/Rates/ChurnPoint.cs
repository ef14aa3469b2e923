namespace Mergeflow.Perf;

/// <summary>One window while the tables change.</summary>
/// <param name="Ms">End of the window, ms after the first change.</param>
/// <param name="PacketsPerSecond">Rate in the window.</param>
/// <param name="OffloadedPercent">Share of packets that merged rules took.</param>
/// <param name="FlowMods">Changes so far.</param>
public sealed record ChurnPoint(double Ms, double PacketsPerSecond, double OffloadedPercent, int FlowMods);
