using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Lookup;

namespace Mergeflow.Engine.Offload;

/// <summary>Which offload provider a datapath has.</summary>
public enum OffloadMode
{
    None,

    /// <summary>Merged rules in a table that the PMD probes first.</summary>
    Soft,

    /// <summary>Merged rules in the emulated NIC.</summary>
    Nic,

    /// <summary>Merged rules in the kernel, for live ports.</summary>
    Kernel,
}

/// <summary>Settings of the offload thread.</summary>
public sealed class OffloadOptions
{
    /// <summary>Who gets a slot.</summary>
    public IAdmissionPolicy Admission { get; init; } = new AdmitAll();

    /// <summary>What it is put together from.</summary>
    public OffloadParts Parts { get; init; } = OffloadParts.Standard;

    /// <summary>Traces handled per step.</summary>
    public int TracesPerStep { get; init; } = 64;

    /// <summary>A request that was not answered for so long counts as lost, ms.</summary>
    public int CompletionTimeoutMs { get; init; } = 1000;

    /// <summary>Id of the first rule; for tests of numbers that a young process does not reach.</summary>
    public long FirstRuleId { get; init; }

    /// <summary>
    /// A device that keeps forwarding by rules that were taken from it, and has carried nothing out for so long, leaves the path until it answers, ms.
    /// </summary>
    public int StallTimeoutMs { get; init; } = 10_000;

    /// <summary>
    /// A change waits for the device to take out what it revoked; a device that carries nothing out for so long, in its own time, counts as unresponsive and leaves
    /// the path until it answers (<see cref="Acknowledgement.DeviceSuspended"/>), ms. A simulated device's clock runs ahead by that, nobody really waits.
    /// </summary>
    public int UnresponsiveTimeoutMs { get; init; } = 268_000;

    /// <summary>After so many failures, each within <see cref="FailureMemoryMs"/> of the one before, the offload thread does not begin again; 0 = at the first.</summary>
    public int MaxRestarts { get; init; } = 3;

    /// <summary>A failure that is longer ago does not count any more, ms.</summary>
    public int FailureMemoryMs { get; init; } = 60_000;

    /// <summary>How long a flow with a lasting reason is not recorded again, ms.</summary>
    public int SuppressionMs { get; init; } = PmdOffload.SuppressionMs;
}

/// <summary>
/// What the offload side of a datapath is put together from; each part may be wrapped. All of it runs on the offload thread: the packet path
/// does not know that there is a choice.
/// </summary>
public sealed class OffloadParts
{
    /// <summary>The engine's own parts.</summary>
    public static OffloadParts Standard { get; } = new();

    /// <summary>Makes the merger for a source of megaflows.</summary>
    public Func<IMegaflowSource, ITraceMerger> Merger { get; init; } = static source => new TraceMerger(source) { MergesTunnels = true };

    /// <summary>Wraps the books of megaflows.</summary>
    public Func<IMegaflowLedger, IMegaflowLedger> Megaflows { get; init; } = static ledger => ledger;

    /// <summary>Wraps the books of connections.</summary>
    public Func<IConnLedger, IConnLedger> Connections { get; init; } = static ledger => ledger;

    /// <summary>Wraps the device. A soft device's table is probed by the packet thread in any case.</summary>
    public Func<IOffloadProvider, IOffloadProvider> Provider { get; init; } = static provider => provider;
}
