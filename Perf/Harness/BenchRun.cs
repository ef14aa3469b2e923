using Mergeflow.Engine;

namespace Mergeflow.Perf;

/// <summary>One measured run.</summary>
/// <param name="Packets">Packets received, those included that the NIC forwarded.</param>
/// <param name="Cycles">TSC cycles.</param>
/// <param name="Seconds">Time.</param>
/// <param name="AllocatedBytes">Managed bytes that the PMD thread allocated.</param>
/// <param name="Collections">Garbage collections of any generation.</param>
/// <param name="Stats">Counters of this run.</param>
/// <param name="NicHits">Packets that the emulated NIC forwarded by itself.</param>
/// <param name="NicTx">Packets that it transmitted.</param>
/// <param name="CpuShare">Part of the time that the PMD thread had a processor, 0..1; 1 where the system does not say.</param>
public readonly record struct BenchRun(ulong Packets, ulong Cycles, double Seconds, long AllocatedBytes, int Collections, PmdStats Stats, ulong NicHits, ulong NicTx, double CpuShare)
{
    /// <summary>Below this share other work was on the processor, and the run says little.</summary>
    public const double QuietShare = 0.98;

    /// <summary>TSC cycles per packet.</summary>
    public double CyclesPerPacket => Packets == 0 ? 0 : (double)Cycles / Packets;

    /// <summary>Packets per second.</summary>
    public double PacketsPerSecond => Seconds == 0 ? 0 : Packets / Seconds;
}
