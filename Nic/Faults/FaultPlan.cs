namespace Mergeflow.Nic;

/// <summary>What goes wrong with a device, and when. The same plan and the same requests at the same times give the same faults.</summary>
public sealed partial record FaultPlan
{
    /// <summary>No faults.</summary>
    public static FaultPlan None { get; } = new();

    /// <summary>Seed of everything drawn by chance.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Every n-th create fails with <see cref="FlowErrno.Io"/>; 0 = none.</summary>
    public int RefuseEveryNthCreate { get; init; }

    /// <summary>Every n-th create fails with <see cref="FlowErrno.NoSpace"/> although there is room; 0 = none.</summary>
    public int TableFullEveryNthCreate { get; init; }

    /// <summary>Chance that a completion comes late, 0..1. Late completions may overtake each other.</summary>
    public double DelayCompletionChance { get; init; }

    /// <summary>Most that a late completion is late.</summary>
    public long DelayCompletionMaxMs { get; init; }

    /// <summary>Chance that a completion is never delivered (the request was carried out), 0..1; <see cref="IFlowDevice.Resync"/> brings it back.</summary>
    public double LoseCompletionChance { get; init; }

    /// <summary>Chance that a completion is delivered twice, 0..1.</summary>
    public double DuplicateCompletionChance { get; init; }

    /// <summary>Times in which the queue carries nothing out.</summary>
    public IReadOnlyList<FaultWindow> Stalls { get; init; } = [];

    /// <summary>Times in which queries see no counter refresh after the start.</summary>
    public IReadOnlyList<FaultWindow> CounterFreezes { get; init; } = [];

    /// <summary>Times of a device reset: all rules are gone.</summary>
    public IReadOnlyList<long> ResetsAtMs { get; init; } = [];
}

/// <summary>A stretch of the device clock.</summary>
/// <param name="AtMs">First instant.</param>
/// <param name="ForMs">Length.</param>
public readonly record struct FaultWindow(long AtMs, long ForMs)
{
    private const long NsPerMs = 1_000_000;

    /// <summary>First instant in ns.</summary>
    public long StartNs => AtMs * NsPerMs;

    /// <summary>First instant behind it, in ns.</summary>
    public long EndNs => (AtMs + ForMs) * NsPerMs;

    /// <summary>True if <paramref name="nowNs"/> lies in it.</summary>
    public bool Contains(long nowNs) => nowNs >= StartNs && nowNs < EndNs;
}
