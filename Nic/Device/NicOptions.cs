using System.Security.Cryptography;

namespace Mergeflow.Nic;


/// <summary>How an <see cref="EmulatedNic"/> is built, besides its profile.</summary>
public sealed record NicOptions
{
    private static readonly ulong s_drawn = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    /// <summary>
    /// Seed of the hash functions (RSS and exact-match table). Who knows it can aim at one bucket or one queue, so it is drawn once per process
    /// unless it is set.
    /// </summary>
    public ulong Seed { get; init; } = s_drawn;

    /// <summary>Code that searches the wildcard table.</summary>
    public NicKernel Kernel { get; init; }

    /// <summary>Faults.</summary>
    public FaultPlan Faults { get; init; } = FaultPlan.None;
}
