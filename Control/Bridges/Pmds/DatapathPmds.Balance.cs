using Mergeflow.Engine.Runtime;

namespace Mergeflow.Control.Bridges;

/// <content>Queues are assigned anew by themselves when a thread has had too much to do for a minute, and others would have less (OVS <c>pmd_rebalance_dry_run</c>).</content>
public sealed partial class DatapathPmds
{
    private const int MinuteMs = 60_000;

    /// <summary>When it was looked at last; null = not yet.</summary>
    private long? _balanceBeganMs;

    /// <summary>Threads or queues are others than when it was looked at last.</summary>
    private bool _hasChanged = true;
    private bool _isWorthIt;

    private void Balance(long nowMs)
    {
        if (!_settings.Balances)
        {
            _balanceBeganMs = null;
            return;
        }

        if (_balanceBeganMs is not { } began)
        {
            _balanceBeganMs = nowMs;
            return;
        }

        if (nowMs - began <= (long)_settings.BalanceMinutes * MinuteMs) return;
        _balanceBeganMs = nowMs;
        if (_isRequested || !_places.Values.Any(static p => p.OverloadedCount >= LoadHistory.Count)) return;
        if (!MayHelp() || !Helps()) return;
        Say($"PMD auto load balance dry run. Requesting datapath reconfigure.");
        _isRequested = true;
    }

    /// <summary>What is known without trying.</summary>
    private bool MayHelp()
    {
        if (!_hasChanged)
        {
            if (!_isWorthIt) Debug($"PMD auto load balance nothing to do, no configuration changes since last check.");
            return _isWorthIt;
        }

        (_hasChanged, _isWorthIt) = (false, false);
        if (_settings.Assign == RxqAssign.RoundRobin)
        {
            Debug($"PMD auto load balance nothing to do, pmd-rxq-assign=roundrobin assignment type configured.");
            return false;
        }

        PmdPlace[] open = [.. _places.Values.Where(static p => !p.IsIsolated)];
        _isWorthIt = open.Length > 1 && open.Any(static p => p.Queues.Count > 1);
        if (!_isWorthIt) Debug($"PMD auto load balance nothing to do, not enough non-isolated PMDs or RxQs.");
        return _isWorthIt;
    }

    /// <summary>Whether loads would be more alike.</summary>
    private bool Helps()
    {
        Debug($"PMD auto load balance performing dry run.");
        PmdCpu[] cpus = [.. _places.Values.Select(static p => p.Cpu)];
        RxqSchedule estimated = RxqScheduler.Run(cpus, Demands(), _settings.Assign, _settings.PinsIsolate);
        SayDecisions(estimated, VlogLevel.Dbg);
        int[] nodes = [.. cpus.Select(static c => c.Node).Distinct().Order()];
        if (nodes.Length > 1 && estimated.Decisions.Any(static d => d is { Verdict: RxqVerdict.AssignedAcross, Demand.PinnedCpu: null }))
        {
            Debug($"PMD auto load balance detected cross-numa polling with multiple numa nodes. Unable to accurately estimate.");
            return false;
        }

        bool isMet = false;
        foreach (int node in nodes)
        {
            PmdPlace[] here = [.. _places.Values.Where(p => p.Cpu.Node == node)];
            ulong current = Variance(here.Where(static p => !p.IsIsolated).Select(static p => PercentOf(p, p.Queues.Sum(static q => q.History.Sum(LoadHistory.Count)))));
            ulong then = Variance(estimated.Shares.Where(s => s.Pmd.Node == node && !s.IsIsolated).Select(s => PercentOf(_places[s.Pmd.Cpu], s.BusyTicks)));
            ulong improvement = then < current ? (current - then) * 100 / current : 0;
            Debug($"Numa node {node}. Current variance {current} Estimated variance {then}. Variance improvement {improvement}%.");
            isMet |= improvement >= (ulong)_settings.ImprovementPercent;
        }

        Debug($"PMD load variance improvement threshold {_settings.ImprovementPercent}% is {(isMet ? "met" : "not met")}.");
        return isMet;
    }

    private static ulong PercentOf(PmdPlace place, long busyTicks) => place.IntervalTicks == 0 ? 0 : (ulong)(busyTicks * 100 / (place.IntervalTicks * LoadHistory.Count));

    private static ulong Variance(IEnumerable<ulong> values)
    {
        ulong[] all = [.. values];
        if (all.Length == 0) return 0;
        ulong mean = all.Aggregate(0UL, static (sum, v) => sum + v) / (ulong)all.Length;
        return all.Aggregate(0UL, (sum, v) => sum + ((v > mean ? v - mean : mean - v) * (v > mean ? v - mean : mean - v))) / (ulong)all.Length;
    }

    private void Debug(FormattableString text) => Tell(VlogLevel.Dbg, text);
}
