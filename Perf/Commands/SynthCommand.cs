using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Perf;

/// <summary><c>synth</c>: made-up traffic of any size, where the named scenarios do not fit.</summary>
internal static class SynthCommand
{
    private const int MaxFlows = 1_000_000;
    private const int MaxConnections = 131_072;

    /// <summary>The command.</summary>
    public static Command Create(string[] args, TextWriter output, CancellationToken interrupted)
    {
        Option<string> flowCount = new("--flow-count") { HelpName = "N,N", Description = "5-tuples, spread over up to 4,000 megaflows.", DefaultValueFactory = _ => "100000" };
        Option<string> subtables = new("--subtables") { HelpName = "N,N", Description = "Masks among the megaflows, 1 to 60.", DefaultValueFactory = _ => "5" };
        Option<string?> connections = new("--connections") { HelpName = "N,N", Description = "Established connections (ct + recirc) instead of flows." };
        Option<string> distribution = new("--distribution") { HelpName = "uniform|zipf", Description = "Popularity of flows or connections; zipf: exponent 1.", DefaultValueFactory = _ => "uniform" };
        Option<string> protocol = new("--protocol") { HelpName = "udp|tcp", Description = "Of the connections.", DefaultValueFactory = _ => "udp" };
        Option<bool> snat = new("--snat") { Description = "Translate the connections' source address." };
        distribution.AcceptOnlyFromAmong("uniform", "zipf");
        protocol.AcceptOnlyFromAmong("udp", "tcp");
        RunOptions how = new();
        OutputOptions where = new();
        Command command = new("synth", "Made-up traffic: as many flows, subtables or connections as you say.");
        foreach (Option option in new Option[] { flowCount, subtables, connections, distribution, protocol, snat }) command.Options.Add(option);
        how.AddTo(command);
        where.AddTo(command);
        command.SetAction(parsed =>
        {
            bool zipf = parsed.GetValue(distribution) == "zipf";
            List<(string Name, Func<string, Workload> Make)> shapes = [];
            string popularity = zipf ? "zipf" : "uni";
            if (parsed.GetValue(connections) is string counts)
            {
                (bool tcp, bool nat) = (parsed.GetValue(protocol) == "tcp", parsed.GetValue(snat));
                foreach (int n in Numbers("--connections", counts, MaxConnections))
                    shapes.Add((Text($"{(nat ? "snat" : "ct")}_{(tcp ? "tcp" : "udp")}_{n}_{popularity}"), name => WorkloadRecipe.ManyConnections(name, n, tcp, nat, zipf)));
            }
            else
            {
                foreach (int k in Numbers("--subtables", parsed.GetRequiredValue(subtables), MultiMaskRecipe.MaxMasks))
                {
                    foreach (int n in Numbers("--flow-count", parsed.GetRequiredValue(flowCount), MaxFlows))
                        shapes.Add((Text($"flows_{n}_k{k}_{popularity}"), name => WorkloadRecipe.ManyFlows(name, n, k, zipf)));
                }
            }

            IReadOnlyList<OffloadMode> modes = how.Modes(parsed) ?? (parsed.GetValue(connections) is null ? [OffloadMode.None] : RunOptions.AllModes);
            BenchSettings settings = how.Settings(parsed);
            IEnumerable<ScenarioSpec> specs = shapes.SelectMany(shape => RunOptions.EachSize(settings).SelectMany(sized =>
            {
                var made = new Lazy<Workload>(() => sized.FrameSize.Apply(shape.Make(shape.Name)));
                return modes.Select(m => new ScenarioSpec(shape.Name + sized.FrameSize.Suffix, () => made.Value, sized with { Offload = m }));
            }));
            RunReport report = where.Report(parsed, output, args, interrupted);
            return report.Finish(report.Suite([.. specs]), null, 0);
        });
        return command;
    }

    private static IEnumerable<int> Numbers(string option, string text, int most) => text.Split(',').Select(t => StudyCommands.Number(option, t, 1, most));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
