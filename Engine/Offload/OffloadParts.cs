using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Lookup;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// What the offload side of a datapath is put together from; each part may be wrapped. All of it runs on the offload thread: the packet path
/// does not know that there is a choice.
/// </summary>
public sealed class OffloadParts
{
    /// <summary>The engine's own parts.</summary>
    public static OffloadParts Standard { get; } = new();

    /// <summary>Makes the merger for a source of megaflows.</summary>
    public Func<IMegaflowSource, ITraceMerger> Merger { get; init; } = static source => new TraceMerger(source);

    /// <summary>Wraps the books of megaflows.</summary>
    public Func<IMegaflowLedger, IMegaflowLedger> Megaflows { get; init; } = static ledger => ledger;

    /// <summary>Wraps the books of connections.</summary>
    public Func<IConnLedger, IConnLedger> Connections { get; init; } = static ledger => ledger;

    /// <summary>Wraps the device. A soft device's table is probed by the packet thread in any case.</summary>
    public Func<IOffloadProvider, IOffloadProvider> Provider { get; init; } = static provider => provider;
}
