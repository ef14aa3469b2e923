namespace Mergeflow.Perf;

/// <summary>One measured run.</summary>
/// <param name="Packets">Packets received.</param>
/// <param name="Seconds">Time.</param>
/// <param name="CyclesPerPacket">TSC cycles per packet.</param>
/// <param name="CpuShare">Part of the time that the packet thread had its processor, 0..1; below 0.98 other work disturbed the run.</param>
public sealed record RunResult(ulong Packets, double Seconds, double CyclesPerPacket, double CpuShare);
