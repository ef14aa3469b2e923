using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary><c>wake</c>: how fast threads that sleep are back, and what they cost meanwhile.</summary>
internal static class WakeCommand
{
    private const double IdleSeconds = 3;

    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        NumberOption<int> rounds = new("--rounds") { HelpName = "N", Description = "Wake-ups measured.", DefaultValueFactory = _ => 1000 };
        NumberOption<int> pmds = new("--pmd") { HelpName = "N", Description = "Packet threads, of one datapath.", DefaultValueFactory = _ => 2 };
        Command command = new("wake", "A switch with nothing to do: time until a frame and an order wake its threads, and processor time while they sleep.") { rounds, pmds };
        command.SetAction(parsed =>
        {
            int n = parsed.GetValue(rounds), threads = parsed.GetValue(pmds);
            if (n is < 1 or > 1_000_000) throw PerfException.Usage("--rounds: expected 1 to 1000000");
            if (threads is < 1 or > 64) throw PerfException.Usage("--pmd: expected 1 to 64");
            using WakeRun run = new(threads);
            output.WriteLine(Line("a thread that sleeps in the same way and has no switch, until it runs: the machine", run.Bare(n, interrupted)));
            output.WriteLine(Line("frame to a thread that sleeps, until it leaves", run.Frames(n, interrupted)));
            output.WriteLine(Line($"order to {threads} threads that sleep, until it is carried out", run.Orders(n, interrupted)));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"processor time with nothing to do, {threads} packet threads, offload and upkeep: {WakeRun.IdleShare(IdleSeconds) * 100:F2} % of one processor"));
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static string Line(string name, double[] sorted) => string.Create(
        CultureInfo.InvariantCulture, $"{name}, us: p50 {At(sorted, 0.5):F1}, p99 {At(sorted, 0.99):F1}, max {At(sorted, 1):F1}");

    private static double At(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
}
