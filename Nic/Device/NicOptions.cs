namespace Mergeflow.Nic;


/// <summary>How an <see cref="EmulatedNic"/> is built, besides its profile.</summary>
public sealed record NicOptions
{
    /// <summary>Seed of the hash functions (RSS and exact-match table).</summary>
    public ulong Seed { get; init; } = 0x5eed;

    /// <summary>Code that searches the wildcard table.</summary>
    public NicKernel Kernel { get; init; }

    /// <summary>Faults.</summary>
    public FaultPlan Faults { get; init; } = FaultPlan.None;
}
