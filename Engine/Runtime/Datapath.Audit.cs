using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Offload;

namespace Mergeflow.Engine.Runtime;

/// <summary>Proof that the books agree.</summary>
public sealed partial class Datapath
{
    /// <summary>
    /// Compares what the device counted with what rules, megaflows, connections and OpenFlow rules were credited. Everything that is counted is
    /// booked first; packets must not be under way.
    /// </summary>
    /// <param name="nowMs">Time.</param>
    /// <param name="device">What the device says it has forwarded or dropped in all; null = only what its rule counters say.</param>
    /// <param name="pushed">Statistics have been pushed to the OpenFlow rules (<see cref="Settle"/>): then nothing may be left to push.</param>
    /// <exception cref="InvalidOperationException">There is no offload.</exception>
    public OffloadAudit Audit(long nowMs, BookTotals? device = null, bool pushed = false)
    {
        if (Offload is not { } offload) throw new InvalidOperationException("audit: there is no offload");
        offload.Settle(nowMs);
        OffloadDebts debts = offload.Report.Debts();
        List<OffloadAuditLine> lines =
        [
            new("device -> merged rules", device ?? debts.Rules, debts.Rules),
            new("merged rules -> offload statistics", debts.Rules - debts.Outside, new BookTotals(offload.Stats.Hits, offload.Stats.HitBytes)),
            new("merged rules -> megaflows", debts.Megaflows, _pmds.Aggregate(default(BookTotals), static (sum, p) => sum + p.Megaflows.Credited)),
            new("merged rules -> connections", debts.Connections, Conntrack.Offload.Credited),
        ];
        if (pushed) lines.Add(new("megaflows -> OpenFlow rules", Revalidator.Unpushed(), default));
        return new OffloadAudit(lines, debts.StaleRules, debts.LiveRules);
    }
}
