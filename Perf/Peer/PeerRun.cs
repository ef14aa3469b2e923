namespace Mergeflow.Perf;

/// <summary>One measured run of the peer.</summary>
/// <param name="PacketsPerSecond">Received packets per second.</param>
/// <param name="CyclesPerPacket">TSC cycles per received packet.</param>
public readonly record struct PeerRun(double PacketsPerSecond, double CyclesPerPacket);
