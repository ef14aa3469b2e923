using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary><c>offload-latency</c>: cost of a rule, and time until a revocation is acknowledged.</summary>
internal static class OffloadLatencyCommand
{
    private const int WarmRounds = 3;

    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        NumberOption<int> rules = new("--rules") { HelpName = "N", Description = "Rules that depend on what is revoked.", DefaultValueFactory = _ => 10_000 };
        NumberOption<int> rounds = new("--rounds") { HelpName = "N", Description = "Revocations.", DefaultValueFactory = _ => 100 };
        Command command = new("offload-latency", "Merge and install per rule, rules per second, and the time from a flow-mod that revokes many rules to its acknowledgement and to their removal.") { rules, rounds };
        command.SetAction(parsed =>
        {
            int count = parsed.GetValue(rules), n = parsed.GetValue(rounds);
            if (count is < 32 or > 1_000_000) throw PerfException.Usage("--rules: expected 32 to 1000000");
            if (n is < 1 or > 100_000) throw PerfException.Usage("--rounds: expected 1 to 100000");
            Costs(output, count);
            Revocations(output, count, n, threaded: false, interrupted);
            Revocations(output, count, n, threaded: true, interrupted);
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static void Costs(TextWriter output, int count)
    {
        using OffloadLatencyRun run = new(count, threaded: false);
        for (int warm = 0; warm < 4; warm++)
        {
            run.Revoke(warm);
            run.Fill();
        }

        (double[] merge, double[] install) = run.Costs();
        output.WriteLine(Line($"merge, us per rule ({merge.Length} rules)", merge));
        output.WriteLine(Line("merge to confirmed, us per rule (waits for its batch of traces)", install));
        double work = run.WorkPerRuleUs();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"software packet, merge and install on one thread: {work:F2} us per rule, {1e6 / work:N0} rules/s"));
    }

    private static void Revocations(TextWriter output, int count, int rounds, bool threaded, CancellationToken interrupted)
    {
        using OffloadLatencyRun run = new(count, threaded);
        List<double> acknowledgedUs = [], undisturbedUs = [], removedUs = [];
        int least = int.MaxValue;
        for (int i = 0; i < rounds + WarmRounds; i++)
        {
            interrupted.ThrowIfCancellationRequested();
            run.Fill();
            least = Math.Min(least, run.RuleCount);
            (double acknowledged, double removed, bool hadToWait) = run.Revoke(i);
            if (i < WarmRounds) continue;
            acknowledgedUs.Add(acknowledged);
            removedUs.Add(removed);
            if (!hadToWait) undisturbedUs.Add(acknowledged);
        }

        string how = threaded ? "threads" : "one thread";
        output.WriteLine(Line($"revocation acknowledged, {how}, us ({rounds} rounds, {count} of at least {least} rules)", [.. acknowledgedUs.Order()]));
        output.WriteLine(Line($"- of these, thread never waited for a processor ({undisturbedUs.Count} rounds)", [.. undisturbedUs.Order()]));
        output.WriteLine(Line($"revoked rules removed, {how}, us", [.. removedUs.Order()]));
    }

    private static string Line(string name, double[] sorted) => string.Create(
        CultureInfo.InvariantCulture, $"{name}: p50 {At(sorted, 0.5):F1}, p99 {At(sorted, 0.99):F1}, max {At(sorted, 1):F1}");

    private static double At(double[] sorted, double share) => sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
}
