namespace Mergeflow.Perf;

/// <summary>One measured run.</summary>
public readonly record struct BenchRun
{
    /// <summary>Below this share other work was on the processor, and the run says little.</summary>
    public const double QuietShare = 0.98;

    /// <summary>Packets received, those included that the NIC forwarded.</summary>
    public required ulong Packets { get; init; }

    /// <summary>TSC cycles.</summary>
    public required ulong Cycles { get; init; }

    /// <summary>Time.</summary>
    public required double Seconds { get; init; }

    /// <summary>Managed bytes that the packet thread allocated.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>Garbage collections of any generation.</summary>
    public int Collections { get; init; }

    /// <summary>Software counters of this run.</summary>
    public PmdStats Stats { get; init; }

    /// <summary>Packets that the emulated NIC forwarded by itself.</summary>
    public ulong NicHits { get; init; }

    /// <summary>Cycles that the emulation of the NIC took.</summary>
    public ulong DeviceCycles { get; init; }

    /// <summary>Packets transmitted, by software and by the NIC.</summary>
    public ulong Transmitted { get; init; }

    /// <summary>Part of the time that the packet thread had a processor, 0..1; 1 where the system does not say.</summary>
    public double CpuShare { get; init; }

    /// <summary>TSC cycles per packet.</summary>
    public double CyclesPerPacket => Packets == 0 ? 0 : (double)Cycles / Packets;

    /// <summary>Packets per second.</summary>
    public double PacketsPerSecond => Seconds == 0 ? 0 : Packets / Seconds;
}
