using System.CommandLine;
using System.Globalization;
using System.Runtime;
using Mergeflow.Cli;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary><c>control</c>: what orders cost.</summary>
internal static class ControlCommand
{
    private const int LimitNs = 100_000;
    private const int WarmingOrders = 60;

    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        NumberOption<int> megaflows = new("--megaflows") { HelpName = "N", Description = "Megaflows beside which rules are loaded, and which depend on orders.", DefaultValueFactory = _ => 10_000 };
        NumberOption<int> rules = new("--rules") { HelpName = "N", Description = "Rules that are loaded at once.", DefaultValueFactory = _ => 100_000 };
        NumberOption<int> flows = new("--flows") { HelpName = "N", Description = "Flows while polls are measured, each with its megaflow.", DefaultValueFactory = _ => 65_536 };
        NumberOption<int> rate = new("--rate") { HelpName = "N", Description = "Rule changes and learned addresses per second meanwhile.", DefaultValueFactory = _ => 10_000 };
        NumberOption<int> perOrder = new("--per-order") { HelpName = "N", Description = "Rule changes of one order.", DefaultValueFactory = _ => 1 };
        NumberOption<int> pmds = new("--pmd") { HelpName = "N", Description = "Packet threads.", DefaultValueFactory = _ => 2 };
        NumberOption<int> seconds = new("--seconds") { HelpName = "N", Description = "How long polls are measured.", DefaultValueFactory = _ => 3 };
        NumberOption<int> orders = new("--orders") { HelpName = "N", Description = "Orders of each kind.", DefaultValueFactory = _ => 200 };
        NumberOption<int> handlers = new("--handlers") { HelpName = "N", Description = "Handler threads that translate what packet threads miss; 0: they do it themselves.", DefaultValueFactory = _ => 0 };
        Option<string> only = new("--only") { HelpName = "KIND", Description = $"Orders of one kind: {string.Join(", ", ControlRun.Kinds)}." };
        Option<bool> yields = new("--yield") { Description = "Packet threads have a processor while nobody else wants it (SCHED_IDLE): what orders take apart from the scheduler." };
        Option<OffloadMode> offload = new("--offload") { HelpName = "MODE", Description = "none, soft or nic (emulated).", DefaultValueFactory = _ => OffloadMode.None };
        Command command = new("control", "Time of orders: rules loaded one by one and at once; then on threads, under packets, the processor time of polls and the time until orders are carried out.")
        {
            megaflows, rules, flows, rate, perOrder, pmds, seconds, orders, handlers, only, yields, offload,
        };
        command.SetAction(parsed =>
        {
            int dependents = Checked(parsed.GetValue(megaflows), "--megaflows", 1, 200_000);
            int load = Checked(parsed.GetValue(rules), "--rules", 0, 1_000_000);
            int polled = Checked(parsed.GetValue(flows), "--flows", 0, 200_000);
            int count = Checked(parsed.GetValue(orders), "--orders", 0, 100_000);
            if (parsed.GetValue(only) is { } named && !ControlRun.Kinds.Contains(named)) throw PerfException.Usage($"--only: expected one of {string.Join(", ", ControlRun.Kinds)}");
            bool idle = parsed.GetValue(yields);
            int translators = Checked(parsed.GetValue(handlers), "--handlers", 0, 64);
            int threads = Checked(parsed.GetValue(pmds), "--pmd", 1, 64);
            int per = Checked(parsed.GetValue(perOrder), "--per-order", 1, 1_000);
            int perSecond = Checked(parsed.GetValue(rate), "--rate", 1, 1_000_000);
            int time = Checked(parsed.GetValue(seconds), "--seconds", 1, 3_600);
            if (parsed.GetValue(offload) is var mode && mode == OffloadMode.Kernel) throw PerfException.Usage("--offload: expected none, soft or nic");
            if (load > 0) Load(output, dependents, load, interrupted);
            interrupted.ThrowIfCancellationRequested();
            if (polled > 0) Polls(output, new ControlRun(polled, threads, mode, translators, idle), (perSecond, per), time);
            interrupted.ThrowIfCancellationRequested();
            if (count > 0) Orders(output, new ControlRun(dependents, threads, mode, translators, idle), count, parsed.GetValue(only), interrupted);
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static int Checked(int value, string option, int least, int most)
        => value < least || value > most ? throw PerfException.Usage($"{option}: expected {least} to {most}") : value;

    private static void Polls(TextWriter output, ControlRun run, (int PerSecond, int PerOrder) rate, int seconds)
    {
        using (run)
        {
            Thread.Sleep(1_000);
            Polls(output, $"polls, {run.MegaflowCount} megaflows, no orders", run, () => Thread.Sleep(seconds * 1000));
            SettledRuntime.Reach(() => run.Churn(rate.PerSecond, rate.PerOrder, rate.PerSecond, 1, new LatencyHistogram()));
            LatencyHistogram orders = new();
            long done = 0;
            Polls(output, $"polls, {run.MegaflowCount} megaflows, {rate.PerSecond} rule changes and learned addresses per second", run, () => done = run.Churn(rate.PerSecond, rate.PerOrder, rate.PerSecond, seconds, orders));
            output.WriteLine(Line($"orders of {rate.PerOrder} rules, {done / seconds} changes per second", orders));
        }
    }

    private static void Orders(TextWriter output, ControlRun run, int count, string? only, CancellationToken interrupted)
    {
        using (run)
        {
            Thread.Sleep(1_000);
            foreach (string kind in ControlRun.Kinds.Where(k => only is null || k == only))
            {
                interrupted.ThrowIfCancellationRequested();
                SettledRuntime.Reach(() => run.Give(kind, WarmingOrders, 5, new OrderTimes()));
                OrderTimes orders = new();
                LatencyHistogram polls = run.Measure(() => run.Give(kind, count, 20, orders));
                output.WriteLine(Line($"order '{kind}', {run.MegaflowCount} megaflows", orders.All));
                output.WriteLine(Line("- own processor time", orders.Own) + string.Create(CultureInfo.InvariantCulture, $"; {(double)orders.Rounds / count:F2} rounds through packet threads per order"));
                output.WriteLine(Line("- waiting for packet threads", orders.Waited));
                output.WriteLine(Line("- without a processor, who gave it", orders.OwnDelay));
                output.WriteLine(Line("- without a processor, a packet thread", orders.PacketDelay));
                if (orders.Calls.Count > 0) output.WriteLine(Line("- a packet thread's processor time until it has done its part", orders.OfPackets) + string.Create(CultureInfo.InvariantCulture, $"; parts p50 {orders.Calls.Percentile(0.5)}, max {orders.Calls.Max}"));
                output.WriteLine(Line("- polls meanwhile", polls) + Above(polls));
            }
        }
    }

    private static void Polls(TextWriter output, string what, ControlRun run, Action work)
    {
        ulong before = run.Packets;
        int collections = GC.CollectionCount(0);
        TimeSpan paused = GC.GetTotalPauseDuration();
        long start = MonotonicClock.NowNs, allocated = GC.GetTotalAllocatedBytes();
        LatencyHistogram polls = run.Measure(work);
        double elapsedNs = MonotonicClock.NowNs - start, mpps = (run.Packets - before) * 1e3 / elapsedNs;
        double mibPerSecond = (GC.GetTotalAllocatedBytes() - allocated) * 1e9 / elapsedNs / 1048576, ofPolls = run.AllocatedByPolls * 1e9 / elapsedNs / 1048576;
        output.WriteLine(Line(what, polls) + Above(polls) + string.Create(CultureInfo.InvariantCulture, $"; {mpps:F2} Mpps; {mibPerSecond:F1} MiB/s allocated, {ofPolls:F1} by packet threads; {GC.CollectionCount(0) - collections} collections, {(GC.GetTotalPauseDuration() - paused).TotalMilliseconds:F0} ms"));
    }

    private static string Above(LatencyHistogram polls) => string.Create(CultureInfo.InvariantCulture, $"; {polls.CountAbove(LimitNs)} of {polls.Count} above {LimitNs / 1000} us");

    private static string Line(string what, LatencyHistogram ns) => string.Create(
        CultureInfo.InvariantCulture,
        $"{what}: us p50 {ns.Percentile(0.5) / 1e3:F1}, p99 {ns.Percentile(0.99) / 1e3:F1}, p99.9 {ns.Percentile(0.999) / 1e3:F1}, max {ns.Max / 1e3:F1}");

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
