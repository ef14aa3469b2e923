using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary><c>kernel</c>: what rules in the kernel cost whoever installs, reads and revokes them, and each frame.</summary>
internal static class KernelCommand
{
    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        NumberOption<int> rules = new("--rules") { HelpName = "N", Description = "Rules that are installed, read and removed.", DefaultValueFactory = _ => 100_000 };
        NumberOption<int> rounds = new("--rounds") { HelpName = "N", Description = "Revocations under traffic.", DefaultValueFactory = _ => 1000 };
        Command command = new("kernel", "Rules in the kernel's table: install, read, invalidate, remove; the program by BPF_PROG_TEST_RUN; revocation under traffic. Needs root.") { rules, rounds };
        command.SetAction(parsed =>
        {
            int count = parsed.GetValue(rules), n = parsed.GetValue(rounds);
            if (count is < 16 or > KernelRun.MaxRules) throw PerfException.Usage($"--rules: expected 16 to {KernelRun.MaxRules}");
            if (n is < 1 or > 1_000_000) throw PerfException.Usage("--rounds: expected 1 to 1000000");
            if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            {
                output.WriteLine("kernel: needs root: bpf(2)");
                return PerfExitCode.Ok;
            }

            foreach (string line in KernelRun.Rules(count, interrupted)) output.WriteLine(line);
            foreach (string line in KernelRun.Frames(interrupted)) output.WriteLine(line);
            foreach (BpfAttachPoint place in new[] { BpfAttachPoint.Xdp, BpfAttachPoint.TcxIngress }) output.WriteLine(KernelRun.Shared(place, interrupted));
            foreach (string line in KernelTunnelRun.Costs(interrupted)) output.WriteLine(line);
            output.WriteLine(KernelRun.Revocations(Math.Min(count, 10_000), n, interrupted));
            return PerfExitCode.Ok;
        });
        return command;
    }

    /// <summary>Percentiles of sorted numbers.</summary>
    public static string Percentiles(double[] sorted) => string.Create(
        CultureInfo.InvariantCulture, $"p50 {At(sorted, 0.5):F2}, p99 {At(sorted, 0.99):F2}, max {At(sorted, 1):F1}");

    private static double At(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
}
