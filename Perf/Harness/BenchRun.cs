using Mergeflow.Engine;

namespace Mergeflow.Perf;

/// <summary>One measured run.</summary>
/// <param name="Packets">Packets received.</param>
/// <param name="Cycles">TSC cycles.</param>
/// <param name="Seconds">Time.</param>
/// <param name="AllocatedBytes">Managed bytes that the PMD thread allocated.</param>
/// <param name="Collections">Garbage collections of any generation.</param>
/// <param name="Stats">Counters of this run.</param>
/// <param name="NicHits">Packets that the emulated NIC forwarded by itself.</param>
public readonly record struct BenchRun(ulong Packets, ulong Cycles, double Seconds, long AllocatedBytes, int Collections, PmdStats Stats, ulong NicHits)
{
    /// <summary>TSC cycles per packet.</summary>
    public double CyclesPerPacket => (double)Cycles / Packets;

    /// <summary>Packets per second.</summary>
    public double PacketsPerSecond => Packets / Seconds;
}
