namespace Mergeflow.Perf;

/// <summary>One stage of the packet path.</summary>
/// <param name="Stage">Name.</param>
/// <param name="CyclesPerPacket">TSC cycles per packet received.</param>
public sealed record StageCycles(string Stage, double CyclesPerPacket);
