using System.Globalization;
using Mergeflow.Engine.Runtime;

namespace Mergeflow.Control.Bridges;

/// <content>What the log is told, in the words of Open vSwitch.</content>
public sealed partial class DatapathPmds
{
    /// <summary>A line for each setting that is another one than before, when there were none yet (null) or others.</summary>
    private void SaySettings(PmdSettings? before, PmdSettings settings)
    {
        if (settings.Assign != (before?.Assign ?? RxqAssign.Cycles)) Say($"Rxq to PMD assignment mode changed to: '{NameOf(settings.Assign)}'.");
        if (settings.PinsIsolate != before?.PinsIsolate) Say($"pmd-rxq-affinity {(settings.PinsIsolate ? "isolates" : "does not isolate")} PMD core");
        bool isOther = false;
        if (settings.BalanceMinutes != before?.BalanceMinutes) Tell($"PMD auto load balance interval set to {settings.BalanceMinutes} mins");
        if (settings.ImprovementPercent != before?.ImprovementPercent) Tell($"PMD auto load balance improvement threshold set to {settings.ImprovementPercent}%");
        if (settings.LoadPercent != before?.LoadPercent) Tell($"PMD auto load balance load threshold set to {settings.LoadPercent}%");
        if (isOther || settings.Balances != before?.Balances)
        {
            if (settings.Balances) Say($"PMD auto load balance is enabled, interval {settings.BalanceMinutes} mins, pmd load threshold {settings.LoadPercent}%, improvement threshold {settings.ImprovementPercent}%.");
            else Say($"PMD auto load balance is disabled.");
        }

        if (settings.MaxSleepUs == before?.MaxSleepUs) return;
        Say($"PMD max sleep request is {settings.MaxSleepUs} usecs.");
        Say($"PMD load based sleeps are {(settings.MaxSleepUs > 0 ? "enabled" : "disabled")}.");

        void Tell(FormattableString text)
        {
            isOther = true;
            Say(text);
        }
    }

    /// <summary>A line for each queue.</summary>
    /// <param name="schedule">What becomes of it.</param>
    /// <param name="level"><see cref="VlogLevel.Dbg"/> = it is only tried out.</param>
    private void SayDecisions(RxqSchedule schedule, VlogLevel level)
    {
        bool isBegun = level == VlogLevel.Dbg;
        VlogLevel warning = level == VlogLevel.Dbg ? level : VlogLevel.Warn;
        foreach (RxqDecision decision in schedule.Decisions)
        {
            if (!isBegun && decision.Verdict is not (RxqVerdict.Pinned or RxqVerdict.PinRefused))
            {
                isBegun = true;
                Say($"Performing pmd to rx queue assignment using {NameOf(_settings.Assign)} algorithm.");
            }

            RxqDemand demand = decision.Demand;
            string queue = string.Create(CultureInfo.InvariantCulture, $"port '{_queues[demand.Queue].Of.Name}' rx queue {demand.Queue.Index}");
            string measured = _settings.Assign == RxqAssign.RoundRobin ? "" : string.Create(CultureInfo.InvariantCulture, $" (measured processing cycles {demand.BusyTicks})");
            PmdCpu pmd = decision.Pmd ?? default;
            switch (decision.Verdict)
            {
                case RxqVerdict.Pinned:
                    Tell(level, $"Core {pmd.Cpu,2} on numa node {pmd.Node} is pinned with {queue}{measured}");
                    break;
                case RxqVerdict.PinRefused:
                    Tell(warning, $"Core {demand.PinnedCpu,2} cannot be pinned with {queue}. Use pmd-cpu-mask to enable a pmd on core {demand.PinnedCpu}. An alternative core will be assigned.");
                    break;
                case RxqVerdict.Unpolled:
                    Tell(warning, $"No non-isolated pmd on any numa available for {queue}{measured}. This rx queue will not be polled.");
                    break;
                default:
                    if (decision.Verdict == RxqVerdict.AssignedAcross) Tell(level, $"There's no available (non-isolated) pmd thread on numa node {demand.Node}. P{queue[1..]} will be assigned to a pmd on numa node {pmd.Node}. This may lead to reduced performance.");
                    Tell(level, $"Core {pmd.Cpu,2} on numa node {pmd.Node} assigned {queue}{measured}.");
                    break;
            }
        }
    }

    private void Tell(VlogLevel level, FormattableString text) => _say(level, text.ToString(CultureInfo.InvariantCulture));

    private static string NameOf(RxqAssign mode) => mode.ToString().ToLowerInvariant();
}
