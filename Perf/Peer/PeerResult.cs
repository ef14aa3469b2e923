namespace Mergeflow.Perf;

/// <summary>The peer's figure for the same work.</summary>
/// <param name="Name">Program and version.</param>
/// <param name="PacketsPerSecond">Packets per second.</param>
/// <param name="CyclesPerPacket">TSC cycles per packet.</param>
/// <param name="ReceiveCyclesPerPacket">What of it the peer's receive device takes: the same frames received and dropped. Null where it was not measured.</param>
public sealed record PeerResult(string Name, Spread PacketsPerSecond, Spread CyclesPerPacket, double? ReceiveCyclesPerPacket = null)
{
    /// <summary>The median of several runs, with the least and the most.</summary>
    public static PeerResult Of(string name, IReadOnlyList<PeerRun> runs, double? receiveCycles)
        => new(name, Spread.Of(runs.Select(r => r.PacketsPerSecond)), Spread.Of(runs.Select(r => r.CyclesPerPacket)), receiveCycles);
}
