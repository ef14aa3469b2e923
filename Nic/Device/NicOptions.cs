using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>How an <see cref="EmulatedNic"/> is built, besides its profile.</summary>
public sealed record NicOptions
{
    /// <summary>
    /// Seed of the hash functions (RSS and exact-match table). Who knows it can aim at one bucket or one queue, so it is that of
    /// <see cref="ProcessSeed"/> unless it is set.
    /// </summary>
    public ulong Seed { get; init; } = ProcessSeed.For("nic");

    /// <summary>Code that searches the wildcard table.</summary>
    public NicKernel Kernel { get; init; }

    /// <summary>Faults.</summary>
    public FaultPlan Faults { get; init; } = FaultPlan.None;
}
