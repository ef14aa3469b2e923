namespace Mergeflow.Perf;

/// <summary>The peer's figure for the same work.</summary>
/// <param name="Name">Program and version.</param>
/// <param name="PacketsPerSecond">Packets per second.</param>
/// <param name="CyclesPerPacket">TSC cycles per packet.</param>
public sealed record PeerResult(string Name, Spread PacketsPerSecond, Spread CyclesPerPacket);
