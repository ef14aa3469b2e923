using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>The other side of the ledger: what must have been booked, computed from the rules' totals instead of from the differences that were credited.</summary>
public sealed partial class OffloadThread
{
    private OffloadDebts _ofDeadRules;

    /// <summary>What follows from all counters read so far; settle first.</summary>
    public OffloadDebts Debts()
    {
        lock (_gate)
        {
            OffloadDebts sum = _ofDeadRules with { LiveRules = _rules.Count, DyingRules = DyingCount };
            foreach (MergedFlow r in _rules)
            {
                sum = Add(sum, r);
                if (r.State == MergedFlowState.Active && !IsCurrent(r)) sum = sum with { StaleRules = sum.StaleRules + 1 };
            }

            return sum;
        }
    }

    /// <summary>
    /// Revoked rules that a packet may still use: 0 after each acknowledgement. Rules that go because room is needed are not revoked; a connection
    /// that has moved is seen by the device itself if it keeps connections.
    /// </summary>
    public int RevokedInUse()
    {
        lock (_gate)
        {
            return _gates is null
                ? _rules.Count(static r => r is { State: MergedFlowState.Dying, Reason: not OffloadReason.TableFull })
                : _rules.Count(r => r.State is MergedFlowState.Installing or MergedFlowState.Active && _gates.IsOpen(r.Gate) && !MegaflowsAreCurrent(r));
        }
    }

    private OffloadDebts Add(OffloadDebts sum, MergedFlow rule)
    {
        BookTotals own = new(rule.Packets, rule.Bytes), megaflows = default, conns = default;
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
        {
            megaflows += new BookTotals(rule.Packets * (ulong)p.Multiplicity, Corrected(rule.Packets, rule.Bytes, p.Multiplicity, p.LengthDeltaBytes));
        }

        foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
        {
            conns += new BookTotals(rule.Packets * (ulong)c.Multiplicity, Corrected(rule.Packets, rule.Bytes, c.Multiplicity, c.LengthDeltaBytes));
            if (_provider.Capabilities.KeepsConnections) conns -= own;
        }

        return sum with { Rules = sum.Rules + own, Megaflows = sum.Megaflows + megaflows, Connections = sum.Connections + conns };
    }
}
