using System.CommandLine;
using System.Globalization;
using System.Runtime;
using Mergeflow.Cli;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary><c>pauses</c>: every stop of packet threads while control works; fails if the collector's are too long.</summary>
internal static class PausesCommand
{
    /// <summary>Of the command, and of the option that leaves the runtime as it was started.</summary>
    private const string Name = "pauses", AsStarted = "--as-started";

    /// <summary>A round of warming up.</summary>
    private const double WarmSeconds = 1;

    private const int MostTypes = 24;

    /// <summary>The program starts over with <see cref="ShortCollections"/> if this command is asked for.</summary>
    public static void BeforeAll(string[] args)
    {
        if (args is [Name, ..] && !args.Contains(AsStarted)) ShortCollections.Ensure();
    }

    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        NumberOption<double> seconds = new("--seconds") { HelpName = "S", Description = "Measured time per load.", DefaultValueFactory = _ => 5 };
        NumberOption<int> pmds = new("--pmd") { HelpName = "N", Description = "Packet threads, of one datapath.", DefaultValueFactory = _ => 1 };
        NumberOption<int> limit = new("--limit-us") { HelpName = "US", Description = "Exit 1 if collections stop a packet thread for longer, at --limit-at; 0: never.", DefaultValueFactory = _ => 0 };
        NumberOption<double> limitAt = new("--limit-at") { HelpName = "P", Description = "Share of the stops that the limit holds for.", DefaultValueFactory = _ => 0.999 };
        Option<PauseLoad?> only = new("--load") { HelpName = "NAME", Description = "One load: idle, rules, dumps, upcalls or bundles. Default: all, in turn." };
        Option<bool> types = new("--types") { Description = "Which types are allocated; the events that tell cost time of their own." };
        Option<bool> asStarted = new(AsStarted) { Description = "Leave the collector as it is set, also by variables (DOTNET_GCGen0MaxBudget, DOTNET_GCGen1MaxBudget, DOTNET_gcConcurrent, DOTNET_gcServer); otherwise it is set for short pauses." };
        Command command = new(Name, "Stops of packet threads under control load: the collector's, the system's, and the threads' own.") { seconds, pmds, only, limit, limitAt, types, asStarted };
        command.SetAction(parsed =>
        {
            double time = parsed.GetValue(seconds);
            int threads = parsed.GetValue(pmds), limitUs = parsed.GetValue(limit);
            if (time is not (>= 0.1 and <= 3600)) throw PerfException.Usage("--seconds: expected 0.1 to 3600");
            if (threads is < 1 or > 64) throw PerfException.Usage("--pmd: expected 1 to 64");
            double part = parsed.GetValue(limitAt);
            if (part is not (> 0 and <= 1)) throw PerfException.Usage("--limit-at: expected a share up to 1");
            if (limitUs < 0) throw PerfException.Usage("--limit-us: expected 0 or more");
            using CollectorPauses collector = new();
            using AllocationTicks? ticks = parsed.GetValue(types) ? new AllocationTicks() : null;
            output.WriteLine($"collector: {(GCSettings.IsServerGC ? "server" : "workstation")}, {(GCSettings.LatencyMode == GCLatencyMode.Batch ? "not concurrent" : "concurrent")}{string.Concat(RuntimeInfo.Probe().Overrides.Select(static o => $", {o}"))}");
            CompileAhead.Run();
            double worst = 0;
            foreach (PauseLoad load in parsed.GetValue(only) is { } named ? [named] : Enum.GetValues<PauseLoad>()) worst = Math.Max(worst, Run(load, threads, time, part, (collector, ticks), output, interrupted));
            if (limitUs == 0 || worst <= limitUs) return PerfExitCode.Ok;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a stop of a packet thread by the collector at p{part * 100:0.##} is {worst:F0} us, longer than {limitUs} us"));
            return PerfExitCode.Failed;
        });
        return command;
    }

    /// <summary>How long collections stop the packet thread that is stopped longest, at a share of all its stops, us.</summary>
    private static double Run(PauseLoad load, int threads, double seconds, double part, (CollectorPauses Pauses, AllocationTicks? Types) watched, TextWriter output, CancellationToken interrupted)
    {
        CollectorPauses collector = watched.Pauses;
        using PauseRun run = new(load, threads);
        SettledRuntime.Reach(() => run.Run(Math.Min(WarmSeconds, seconds), interrupted));
        collector.Take();
        watched.Types?.Take();
        long allocated = GC.GetTotalAllocatedBytes();
        (ulong packets, long operations) = run.Run(seconds, interrupted);
        double mibPerSecond = (GC.GetTotalAllocatedBytes() - allocated) / seconds / 1048576;
        CollectorPause[] taken = collector.Take();
        double[] pauses = [.. taken.Select(static p => p.Us).Order()], stopping = [.. taken.Select(static p => p.UntilStoppedUs).Order()];
        GCMemoryInfo last = GC.GetGCMemoryInfo(GCKind.Any);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{load.ToString().ToLowerInvariant()}: {packets / seconds / 1e6:F2} Mpps, {operations / seconds:F0} operations/s, {mibPerSecond:F1} MiB/s allocated"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  collector, us: {pauses.Length} pauses, p50 {At(pauses, 0.5):F0}, p99 {At(pauses, 0.99):F0}, p99.9 {At(pauses, 0.999):F0}, max {At(pauses, 1):F0}; of it until all threads have stopped p50 {At(stopping, 0.5):F0}, p99 {At(stopping, 0.99):F0}; the last of generation {last.Generation}, {last.PromotedBytes / 1048576.0:F1} MiB of {last.HeapSizeBytes / 1048576.0:F0} MiB lived on"));
        foreach (IGrouping<int, CollectorPause> kind in taken.GroupBy(static p => p.Generation).OrderBy(static k => k.Key))
        {
            double[] us = [.. kind.Select(static p => p.Us).Order()];
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {(kind.Key < 0 ? "beside threads" : $"generation {kind.Key}")}: {us.Length}, p50 {At(us, 0.5):F0}, p99 {At(us, 0.99):F0}, max {At(us, 1):F0}"));
        }

        foreach ((string type, long bytes) in watched.Types?.Take().Take(MostTypes) ?? []) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {bytes / seconds / 1048576:F2} MiB/s {type}"));
        foreach (PollGaps gaps in run.Gaps)
        {
            output.WriteLine($"  stops of a packet thread by the collector, us: {Long(gaps.Stops)}");
            output.WriteLine($"  polls, us: p50 {Us(gaps.All, 0.5)}, p99 {Us(gaps.All, 0.99)}, p99.9 {Us(gaps.All, 0.999)}, p99.99 {Us(gaps.All, 0.9999)}; processor time of each p99.9 {Ns(gaps.Own, 0.999)}, max {Ns(gaps.Own, 1)}, longer than {PollGaps.LongUs:F0}: collector {LongOwn(gaps.OwnOfCollector)}, compiler {LongOwn(gaps.OwnOfCompiler)}, work {LongOwn(gaps.OwnOfWork)}; longer than {PollGaps.LongUs:F0}: collector {Long(gaps.OfCollector)}, processor taken away {Long(gaps.OfSystem)}, own work {Long(gaps.OfWork)}");
        }

        return run.Gaps.Max(g => g.Stops.Count == 0 ? 0 : g.Stops.Percentile(part) * 1e6 / TscClock.FrequencyHz);
    }

    private static string Long(LatencyHistogram gaps) => gaps.Count == 0 ? "none" : $"{gaps.Count} (p50 {Us(gaps, 0.5)}, p99 {Us(gaps, 0.99)}, p99.9 {Us(gaps, 0.999)}, max {Us(gaps, 1)})";

    private static string LongOwn(LatencyHistogram gaps) => gaps.Count == 0 ? "none" : $"{gaps.Count} (p50 {Ns(gaps, 0.5)}, max {Ns(gaps, 1)})";

    private static string Us(LatencyHistogram gaps, double part) => (gaps.Percentile(part) * 1e6 / TscClock.FrequencyHz).ToString(gaps.Percentile(part) * 1e6 / TscClock.FrequencyHz < 10 ? "F1" : "F0", CultureInfo.InvariantCulture);

    private static string Ns(LatencyHistogram own, double part) => (own.Percentile(part) / 1e3).ToString("F0", CultureInfo.InvariantCulture);

    private static double At(double[] sorted, double share) => sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
}
