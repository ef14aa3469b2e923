namespace Mergeflow.Perf;

/// <summary>Traffic while the tables change.</summary>
/// <param name="FlowModsPerSecond">Changes asked for per second; 0 = none, to compare with.</param>
/// <param name="Kind"><c>same</c>: the rules hit addresses of the traffic; <c>other</c>: addresses that do not occur.</param>
/// <param name="AppliedPerSecond">Changes carried out per second.</param>
/// <param name="MedianMicroseconds">Time of one change on the packet thread until it is acknowledged, median, us.</param>
/// <param name="MaxMicroseconds">The longest, us.</param>
/// <param name="PacketsPerSecond">Over all windows: median, least and most.</param>
/// <param name="OffloadedPercent">Share of packets that merged rules took, over all windows: median, least and most.</param>
/// <param name="MegaflowsDeleted">Megaflows that changes deleted.</param>
/// <param name="Points">Window by window.</param>
public sealed record ChurnResult(
    int FlowModsPerSecond,
    string Kind,
    double AppliedPerSecond,
    double MedianMicroseconds,
    double MaxMicroseconds,
    Spread PacketsPerSecond,
    Spread OffloadedPercent,
    ulong MegaflowsDeleted,
    IReadOnlyList<ChurnPoint> Points);
