using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Pmd;

namespace Mergeflow.Engine.Runtime;

/// <summary>The state of a settled switch, simulated or running.</summary>
public sealed class SimulatorReport
{
    /// <summary>OpenFlow rules with their statistics.</summary>
    public required IReadOnlyList<OfRule> Rules { get; init; }

    /// <summary>Meters, what came to each and what its bands have dropped.</summary>
    public required IReadOnlyList<(OfMeterState Meter, BookTotals Taken, BookTotals[] Bands)> Meters { get; init; }

    /// <summary>Living megaflows.</summary>
    public required int MegaflowCount { get; init; }

    /// <summary>Rules installed over the run.</summary>
    public ulong Offloaded { get; init; }

    /// <summary>Packets that merged rules forwarded.</summary>
    public ulong OffloadHits { get; init; }

    /// <summary>Failures of the offload thread: packets and connections are right, merged rules were fewer.</summary>
    public ulong OffloadFailures { get; init; }

    /// <summary>Living connections.</summary>
    public required IReadOnlyList<ConnInfo> Connections { get; init; }

    /// <summary>Software path counters.</summary>
    public required PmdStats Pmd { get; init; }
}
