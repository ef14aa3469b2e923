namespace Mergeflow.Perf;

/// <summary>Latency at an offered rate: from the arrival that the rate prescribes to the end of the batch that the packet was in.</summary>
/// <param name="LoadPercent">Part of the no-drop rate, percent.</param>
/// <param name="PacketsPerSecond">Offered rate.</param>
/// <param name="P50Ns">Median, ns.</param>
/// <param name="P90Ns">90 %.</param>
/// <param name="P99Ns">99 %.</param>
/// <param name="P999Ns">99.9 %.</param>
/// <param name="P9999Ns">99.99 %.</param>
/// <param name="MaxNs">Longest.</param>
/// <param name="Dropped">Packets lost meanwhile.</param>
public sealed record LatencyAt(double LoadPercent, double PacketsPerSecond, double P50Ns, double P90Ns, double P99Ns, double P999Ns, double P9999Ns, double MaxNs, ulong Dropped);
