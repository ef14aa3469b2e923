using Mergeflow.Native;

namespace Mergeflow.Engine;

/// <summary>What a <see cref="PmdThread"/> is made of.</summary>
public sealed class PmdOptions
{
    public required PacketPool Pool { get; init; }

    /// <summary>Microflow caches on.</summary>
    public bool CacheOn { get; init; } = true;

    /// <summary>Exact-match cache entries, a power of two.</summary>
    public int EmcEntryCount { get; init; } = ExactMatchCache.DefaultEntryCount;

    public MeterTable Meters { get; init; } = new();

    /// <summary>See <see cref="PacketFlags.OneTag"/>.</summary>
    public bool OneTag { get; init; }

    /// <summary>What the times of batches are taken by.</summary>
    public SteadyClock Clock { get; init; } = new();

    public PmdOffload? Offload { get; init; }
}
