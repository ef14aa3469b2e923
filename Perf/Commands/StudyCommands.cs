using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>Commands that study one property: <c>ndr</c> (rates and latency), <c>ramp</c> (how the offload takes over), <c>sweep</c> (table size),
/// <c>churn</c> (changes of the tables).</summary>
internal static class StudyCommands
{
    private static readonly int[] s_capacities = [256, 1024, 4096, 16_384, 65_536];

    /// <summary>The commands.</summary>
    public static IEnumerable<Command> Create(string[] args, TextWriter output, CancellationToken interrupted)
        => [Ndr(args, output, interrupted), Ramp(args, output, interrupted), Sweep(args, output, interrupted), Churn(args, output, interrupted), SynthCommand.Create(args, output, interrupted)];

    private static Command Ndr(string[] args, TextWriter output, CancellationToken interrupted)
    {
        NumberOption<double> trial = new("--trial") { HelpName = "S", Description = "Length of a trial, seconds.", DefaultValueFactory = _ => 0.5 };
        NumberOption<int> ring = new("--ring") { HelpName = "N", Description = "Descriptors of the receive ring.", DefaultValueFactory = _ => 2048 };
        NumberOption<double> loss = new("--loss") { HelpName = "PCT", Description = "Loss that the partial drop rate tolerates.", DefaultValueFactory = _ => 0.5 };
        return Study("ndr", "No-drop rate, partial drop rate, latency at 10, 50 and 90 % of the no-drop rate (RFC 2544).", "s2_1k_uni,s4_udp_10k_uni", [trial, ring, loss], args, output, interrupted,
            (parsed, name, settings, modes, report) =>
            {
                if (parsed.GetValue(trial) is not (>= 0.01 and <= 600)) throw PerfException.Usage("--trial: expected 0.01 to 600");
                if (parsed.GetValue(ring) is < 32 or > 1 << 20) throw PerfException.Usage("--ring: expected 32 to 1048576");
                if (parsed.GetValue(loss) is not (>= 0 and < 100)) throw PerfException.Usage("--loss: expected 0 to less than 100");
                var rates = new RateRunner(parsed.GetValue(ring), parsed.GetValue(trial), parsed.GetValue(loss));
                return report.Suite(Specs(name, settings with { Rates = rates }, modes ?? [OffloadMode.None, OffloadMode.Soft]));
            });
    }

    private static Command Ramp(string[] args, TextWriter output, CancellationToken interrupted)
    {
        NumberOption<double> window = new("--window") { HelpName = "MS", Description = "Length of a window, ms.", DefaultValueFactory = _ => 5 };
        NumberOption<double> length = new("--length") { HelpName = "S", Description = "How long to watch, seconds.", DefaultValueFactory = _ => 1 };
        return Study("ramp", "Delete all merged rules and watch the offload take over.", "s4_udp_10k_uni", [window, length], args, output, interrupted,
            (parsed, name, settings, modes, report) =>
            {
                if (parsed.GetValue(window) is not (>= 0.1 and <= 10_000)) throw PerfException.Usage("--window: expected 0.1 to 10000");
                if (parsed.GetValue(length) is not (>= 0.01 and <= 600)) throw PerfException.Usage("--length: expected 0.01 to 600");
                var ramp = new RampRunner(parsed.GetValue(length), parsed.GetValue(window));
                return report.Suite(Specs(name, settings with { Ramp = ramp }, Offloading(modes) ?? [OffloadMode.Soft, OffloadMode.Nic]));
            });
    }

    private static Command Sweep(string[] args, TextWriter output, CancellationToken interrupted)
    {
        Option<string> sizes = new("--sizes")
        {
            HelpName = "N,N",
            Description = "Rules that fit the table.",
            DefaultValueFactory = _ => string.Join(',', s_capacities.Select(c => c.ToString(CultureInfo.InvariantCulture))),
        };
        return Study("sweep", "The same traffic with tables of several sizes, beside the best that any policy could do.", "s4_udp_10k_zipf", [sizes], args, output, interrupted,
            (parsed, name, settings, modes, report) =>
            {
                int[] capacities = [.. parsed.GetRequiredValue(sizes).Split(',').Select(Size)];
                string folder = Directory.CreateTempSubdirectory("mergeflow-sweep-").FullName;
                try
                {
                    IReadOnlyList<OffloadMode> used = Offloading(modes) ?? [OffloadMode.Soft, OffloadMode.Nic];
                    ScenarioSpec[] specs = [.. Names(name).SelectMany(n => used.SelectMany(m => TableSweep.Make(n, settings with { Offload = m }, capacities, folder)))];
                    ResultsFile results = report.Suite(specs);
                    return results with { Scenarios = [.. results.Scenarios.Zip(specs, WithSweep)] };
                }
                finally
                {
                    Directory.Delete(folder, recursive: true);
                }
            });
    }

    private static Command Churn(string[] args, TextWriter output, CancellationToken interrupted)
    {
        Option<string> rate = new("--rate") { HelpName = "N,N", Description = "Flow-mods per second; several with commas.", DefaultValueFactory = _ => "0,10,100,1000" };
        Option<string> kind = new("--kind") { HelpName = "same|other", Description = "Rules that hit the traffic, or that do not.", DefaultValueFactory = _ => "same" };
        NumberOption<double> window = new("--window") { HelpName = "MS", Description = "Length of a window, ms.", DefaultValueFactory = _ => 20 };
        NumberOption<double> length = new("--length") { HelpName = "S", Description = "How long to watch, seconds.", DefaultValueFactory = _ => 2 };
        kind.AcceptOnlyFromAmong("same", "other");
        return Study("churn", "Add and delete rules while traffic runs: rate and offloaded share over time.", "s4_udp_10k_uni", [rate, kind, window, length], args, output, interrupted,
            (parsed, name, settings, modes, report) =>
            {
                int[] rates = [.. parsed.GetRequiredValue(rate).Split(',').Select(text => Number("--rate", text, 0, 1_000_000))];
                if (parsed.GetValue(window) is not (>= 0.1 and <= 10_000)) throw PerfException.Usage("--window: expected 0.1 to 10000");
                if (parsed.GetValue(length) is not (>= 0.01 and <= 600)) throw PerfException.Usage("--length: expected 0.01 to 600");
                return report.Suite([.. rates.SelectMany(r => Specs(name, settings with { Churn = new ChurnRunner(r, parsed.GetValue(kind) == "same", parsed.GetValue(length), parsed.GetValue(window)) }, modes ?? [OffloadMode.None, OffloadMode.Soft])
                    .Select(s => s with { Name = $"{s.Name}@{r}" }))]);
            });
    }

    private static ScenarioResult WithSweep(ScenarioResult row, ScenarioSpec spec)
    {
        int capacity = int.Parse(spec.Name.Split('@')[1], CultureInfo.InvariantCulture);
        return row with { Sweep = new SweepPoint(capacity, row.Tiers.Nic + row.Tiers.Merged, TableSweep.Optimum(spec.Make().Frames, capacity), row.CyclesPerPacket.Median) };
    }

    internal static Command Study(string name, string about, string scenarios, Option[] own, string[] args, TextWriter output, CancellationToken interrupted,
        Func<ParseResult, string, BenchSettings, IReadOnlyList<OffloadMode>?, RunReport, ResultsFile> run)
    {
        RunOptions how = new();
        OutputOptions where = new();
        Option<string> scenario = new("--scenario") { HelpName = "NAME[,NAME]", Description = "Scenarios.", DefaultValueFactory = _ => scenarios };
        scenario.CompletionSources.Add([.. ScenarioName.AllNames]);
        Command command = new(name, about);
        command.Options.Add(scenario);
        foreach (Option option in own) command.Options.Add(option);
        how.AddTo(command);
        where.AddTo(command);
        command.SetAction(parsed =>
        {
            RunReport report = where.Report(parsed, output, args, interrupted);
            ResultsFile results = run(parsed, parsed.GetRequiredValue(scenario), how.Settings(parsed), how.Modes(parsed), report);
            return report.Finish(results, null, 0);
        });
        return command;
    }

    private static IReadOnlyList<OffloadMode>? Offloading(IReadOnlyList<OffloadMode>? modes)
    {
        if (modes?.Contains(OffloadMode.None) == true) throw PerfException.Usage("--offload: expected soft or nic, there is nothing to see without offload");
        return modes;
    }

    private static IReadOnlyList<ScenarioSpec> Specs(string names, BenchSettings settings, IReadOnlyList<OffloadMode> modes)
        => [.. Names(names).SelectMany(n => RunOptions.EachSize(settings).SelectMany(sized => modes.Select(m => ScenarioSpec.Named(n, sized with { Offload = m }))))];

    private static IEnumerable<string> Names(string names) => names.Split(',', StringSplitOptions.RemoveEmptyEntries).SelectMany(ScenarioName.Expand);

    private static int Size(string text) => Number("--sizes", text, 1, 1 << 22);

    /// <summary>A whole number from an option.</summary>
    /// <exception cref="PerfException">It is none, or out of range.</exception>
    internal static int Number(string option, string text, int least, int most)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n >= least && n <= most
            ? n
            : throw PerfException.Usage(string.Create(CultureInfo.InvariantCulture, $"{option}: '{text}' is no number from {least} to {most}"));
}
