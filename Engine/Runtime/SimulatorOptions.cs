using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Runtime;

/// <summary>What a simulated datapath is made of.</summary>
public sealed class SimulatorOptions : DatapathOptions
{
    /// <summary>Packets per batch, 1..32.</summary>
    public int BatchSize { get; init; } = PmdThread.MaxBatch;

    /// <summary>
    /// Seed of the schedule: after each batch chance decides whether the offload thread merges what was recorded or is late, and whether the aging
    /// thread reads some counters, and whether some thread has a round of its upkeep (<see cref="SwitchPollers"/>); before a frame, whether its queue moves to another packet thread; after a change whether revoked rules, which no packet uses any more, are removed at once. 0 = the offload
    /// thread always keeps up. Acknowledgements are never late: the packet thread waits for them.
    /// </summary>
    public ulong ScheduleSeed { get; init; }

    /// <summary>
    /// Control works beside packets as it does on threads: a change leaves megaflows in doubt, and slices of one to four of them follow in the schedule, which has to have a seed.
    /// </summary>
    public bool SlicesControl { get; init; }

    /// <summary>Spreads frames over the queues of their port, see <see cref="ReceiveSideScaling"/>; matters only where there are several.</summary>
    public ulong RssSeed { get; init; }

    /// <summary>Whether both directions of a connection come by the same queue.</summary>
    public bool RssIsSymmetric { get; init; } = true;

    /// <summary>
    /// The offload and aging pollers are stepped by somebody else, on other threads: batches do not step them, and only acknowledgements wait for them.
    /// Register a reader of <see cref="Datapath.Quiescent"/> for them first.
    /// </summary>
    public bool OffloadRunsApart { get; init; }
}
