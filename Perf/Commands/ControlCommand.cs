using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary><c>control</c>: what orders cost.</summary>
internal static class ControlCommand
{
    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        NumberOption<int> megaflows = new("--megaflows") { HelpName = "N", Description = "Megaflows that there are.", DefaultValueFactory = _ => 10_000 };
        NumberOption<int> rules = new("--rules") { HelpName = "N", Description = "Rules that are loaded at once.", DefaultValueFactory = _ => 100_000 };
        Command command = new("control", "Time of orders: rules added and deleted one by one beside megaflows, and loaded at once.") { megaflows, rules };
        command.SetAction(parsed =>
        {
            int flows = parsed.GetValue(megaflows), load = parsed.GetValue(rules);
            if (flows is < 1 or > 200_000) throw PerfException.Usage("--megaflows: expected 1 to 200000");
            if (load is < 1 or > 1_000_000) throw PerfException.Usage("--rules: expected 1 to 1000000");
            Load(output, flows, load, interrupted);
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static void Load(TextWriter output, int megaflows, int rules, CancellationToken interrupted)
    {
        using (RuleLoadRun warm = new(100))
        {
            warm.Add(0, 1_000, 1);
            warm.Delete(0, 1_000, 1);
        }

        using (RuleLoadRun run = new(megaflows))
        {
            Report(output, $"{megaflows} rules added one by one, {run.Megaflows} megaflows", run.Add(0, megaflows, 1));
            interrupted.ThrowIfCancellationRequested();
            Report(output, $"{megaflows} rules deleted one by one", run.Delete(0, megaflows, 1));
            interrupted.ThrowIfCancellationRequested();
            Report(output, $"{rules} rules added one by one", run.Add(0, rules, 1));
            interrupted.ThrowIfCancellationRequested();
            Report(output, $"{rules} rules deleted as one", run.Delete(0, rules, rules));
        }

        interrupted.ThrowIfCancellationRequested();
        using RuleLoadRun once = new(megaflows);
        Report(output, $"{rules} rules added as one, {once.Megaflows} megaflows", once.Add(0, rules, rules));
    }

    private static void Report(TextWriter output, string what, (double[] Us, ulong Translations) took)
    {
        double[] us = took.Us;
        string each = us.Length == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"; each, us: p50 {At(us, 0.5):F1}, p99 {At(us, 0.99):F1}, max {At(us, 1):F1}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {us.Sum() / 1e6:F3} s, {took.Translations} translations{each}"));
    }

    private static double At(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
}
