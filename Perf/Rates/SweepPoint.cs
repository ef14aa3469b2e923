namespace Mergeflow.Perf;

/// <summary>Offload with a table of one size.</summary>
/// <param name="Capacity">Rules that fit.</param>
/// <param name="OffloadedPercent">Share of packets that they took.</param>
/// <param name="OptimumPercent">Share if the most frequent flows of the capture held the table: no policy can do better on traffic whose popularity stays.</param>
/// <param name="CyclesPerPacket">Median.</param>
public sealed record SweepPoint(int Capacity, double OffloadedPercent, double OptimumPercent, double CyclesPerPacket);
