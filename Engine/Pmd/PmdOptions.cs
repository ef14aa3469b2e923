using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>What a <see cref="PmdThread"/> is made of.</summary>
public sealed class PmdOptions
{
    public required PacketPool Pool { get; init; }

    /// <summary>Microflow caches on.</summary>
    public bool CacheOn { get; init; } = true;

    /// <summary>Exact-match cache entries, a power of two.</summary>
    public int EmcEntryCount { get; init; } = ExactMatchCache.DefaultEntryCount;

    /// <summary>Meters of the datapath.</summary>
    public required MeterTable Meters { get; init; }

    /// <summary>Start of this thread's own random numbers, not 0: what one thread samples says nothing of another.</summary>
    public required ulong RandomSeed { get; init; }

    /// <summary>Key of <c>dp_hash</c>; the same in all threads of a datapath, so that a flow keeps its bucket.</summary>
    public required ulong HashKey { get; init; }

    /// <summary>Where packets for control go; null = they are only counted.</summary>
    public PacketInRing? PacketIns { get; init; }

    /// <summary>See <see cref="PacketFlags.OneTag"/>.</summary>
    public bool OneTag { get; init; }

    /// <summary>What the times of batches are taken by.</summary>
    public SteadyClock Clock { get; init; } = new();

    public PmdOffload? Offload { get; init; }

    /// <summary>Where packets wait for handler threads; null = the packet thread handles upcalls itself.</summary>
    internal ParkedUpcalls? Parked { get; init; }
}
