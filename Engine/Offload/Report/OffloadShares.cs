using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>What became of the packets that were received: each is counted in one place, so the parts add up to the whole.</summary>
/// <param name="Received">Packets and bytes as received, by software and by the device.</param>
/// <param name="Offloaded">Took a merged rule, in the device or in software.</param>
/// <param name="MadeRule">Went through software and made the rule of their flow.</param>
/// <param name="Waiting">Came before that rule was there (<see cref="OffloadReason.AlreadyOffloaded"/>).</param>
/// <param name="Refused">Went through software for a reason, most bytes first.</param>
public sealed record OffloadShares(BookTotals Received, BookTotals Offloaded, BookTotals MadeRule, BookTotals Waiting, IReadOnlyList<(OffloadReason Reason, BookTotals Lost)> Refused)
{
    /// <summary>
    /// Not known: what a device has counted and not told yet, or has lost; what the offload thread dropped when it failed. Nothing while all is well and settled.
    /// </summary>
    public BookTotals Unknown => Received - Offloaded - MadeRule - Waiting - Refused.Aggregate(default(BookTotals), static (sum, r) => sum + r.Lost);

    /// <summary>From the reports of a settled offload side.</summary>
    /// <param name="report">All counters.</param>
    /// <param name="received">What was handed in.</param>
    internal static OffloadShares Of(OffloadReport report, BookTotals received)
    {
        OffloadStats stats = report.Stats;
        ReasonTotals refused = report.RefusedTotals();
        return new OffloadShares(
            received,
            new BookTotals(stats.Hits, stats.HitBytes),
            stats.MadeRule,
            new BookTotals(refused.Packets(OffloadReason.AlreadyOffloaded), refused.Bytes(OffloadReason.AlreadyOffloaded)),
            [.. refused.Sorted().Where(static r => r.Reason != OffloadReason.AlreadyOffloaded).OrderByDescending(static r => r.Bytes).Select(static r => (r.Reason, new BookTotals(r.Packets, r.Bytes)))]);
    }
}
