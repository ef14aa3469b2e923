using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>The root command: measures a suite, scenarios or a capture; prints the table, writes <c>results.json</c> and <c>report.html</c>.</summary>
internal static class RunCommand
{
    public static RootCommand Create(string[] args, TextWriter output, CancellationToken interrupted)
    {
        RunOptions how = new();
        CaptureOptions capture = new();
        Option<string?> scenario = new("--scenario") { HelpName = "NAME[,NAME]", Description = "Scenarios instead of the default suite; * stands for anything. See --list." };
        Option<string?> suite = new("--suite") { HelpName = "FILE", Description = "Scenarios from a JSON file." };
        Option<bool> list = new("--list") { Description = "List the scenarios." };
        OutputOptions where = new();
        Option<string?> baseline = new("--baseline") { HelpName = "FILE", Description = "Compare with an earlier results.json. Exit 0 same or better, 1 slower, 2 too noisy to tell." };
        NumberOption<double> threshold = new("--threshold") { HelpName = "PCT", Description = "Slowdown that counts, percent.", DefaultValueFactory = _ => 5 };
        Option<string?> peer = new("--peer") { HelpName = "ovs", Description = "Measure Open vSwitch with DPDK in turn with every row, where it is installed." };
        Option<string?> peerTable = new("--peer-table") { HelpName = "FILE", Description = "Figures of Open vSwitch on the same work, put beside ours." };
        Option<string?> profile = new("--profile") { HelpName = "NAME", Description = "Run one scenario under dotnet-trace and perf; writes NAME.speedscope.json and NAME.flame.svg." };
        scenario.CompletionSources.Add([.. ScenarioName.AllNames]);
        peer.AcceptOnlyFromAmong("ovs");
        RootCommand root = new("Mergeflow throughput harness: packets in memory, one core, transmit counted and dropped.");
        how.AddTo(root);
        foreach (Option option in new Option[] { scenario, suite, list, baseline, threshold, peer, peerTable, profile }) root.Options.Add(option);
        where.AddTo(root);
        capture.AddTo(root);
        root.SetAction(parsed =>
        {
            if (parsed.GetValue(list))
            {
                foreach (string name in ScenarioName.AllNames) output.WriteLine($"{name,-20} {DefaultSuite.About(name)}");
                output.WriteLine();
                output.WriteLine($"suffixes: {ScenarioName.CacheOff} microflow caches off, {ScenarioName.SoftwareChecksums} no checksum verdicts from the receiver");
                return PerfExitCode.Ok;
            }

            if (capture.PrintFlows(parsed, output)) return PerfExitCode.Ok;
            if (parsed.GetValue(profile) is string profiled)
            {
                if (parsed.GetValue(scenario) is not null) throw PerfException.Usage("--profile names the scenario itself: leave --scenario out");
                return ProfileRun.Run(profiled, Without(args, profile.Name), output);
            }

            BenchSettings settings = how.Settings(parsed);
            double thresholdPercent = parsed.GetValue(threshold);
            if (parsed.GetResult(threshold) is { Implicit: false } && parsed.GetValue(baseline) is null) throw PerfException.Usage("--threshold needs --baseline");
            if (thresholdPercent is not (>= 0 and <= 1000)) throw PerfException.Usage("--threshold: expected 0 to 1000");
            PeerTable? beside = parsed.GetValue(peerTable) is string table ? PeerTable.Load(table, "Open vSwitch") : null;
            ResultsFile? old = parsed.GetValue(baseline) is string path ? ResultsJson.Load(path) : null;
            CaptureRun? run = capture.Resolve(parsed);
            int sources = (run is null ? 0 : 1) + (parsed.GetValue(scenario) is null ? 0 : 1) + (parsed.GetValue(suite) is null ? 0 : 1);
            if (sources > 1) throw PerfException.Usage("--pcap, --scenario and --suite exclude each other");

            IReadOnlyList<OffloadMode>? modes = how.Modes(parsed);
            if (modes is not null && parsed.GetValue(suite) is not null) throw PerfException.Usage("--offload: a suite says itself where rules go, per row");
            if (run is not null && settings.FrameSizes is not [{ Suffix: "" }]) throw PerfException.Usage("--frame-size: a capture has frames of its own");
            RunReport report = where.Report(parsed, output, args, interrupted);
            using IPeer? other = parsed.GetValue(peer) is null ? null : StartPeer(settings, report);
            if (other is not null) settings = settings with { Peer = other, HardwareChecksums = false };
            ResultsFile results = run is not null
                ? report.Capture(run, settings, modes)
                : report.Suite(Specs(parsed.GetValue(scenario), parsed.GetValue(suite), settings, modes));
            if (beside is not null) results = beside.Beside(results);
            return report.Finish(results, old, thresholdPercent / 100);
        });
        return root;
    }

    private static OvsPeer? StartPeer(BenchSettings settings, RunReport report)
    {
        if (OvsPeer.TryStart(settings.Cpu ?? HostProbe.ProcessCpus[^1], out string why) is not { } peer)
        {
            report.Note($"--peer ovs: {why}; this run goes on without it.");
            return null;
        }

        report.Note($"{peer.Name}: in turn with every run, on the same processor. Its device gives neither checksum verdicts nor hashes, so ours do not either (_sw).");
        return peer;
    }

    /// <summary>The arguments without an option and its value.</summary>
    private static List<string> Without(string[] args, string option)
    {
        var rest = new List<string>();
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == option) i++;
            else if (!args[i].StartsWith(option + "=", StringComparison.Ordinal) && !args[i].StartsWith(option + ":", StringComparison.Ordinal)) rest.Add(args[i]);
        }

        return rest;
    }

    private static IReadOnlyList<ScenarioSpec> Specs(string? names, string? suite, BenchSettings settings, IReadOnlyList<OffloadMode>? modes)
    {
        if (suite is not null) return SuiteFile.Load(suite, settings);
        if (names is null)
        {
            IReadOnlyList<ScenarioSpec> all = [.. RunOptions.EachSize(settings).SelectMany(DefaultSuite.Make)];
            return modes is null ? all : [.. all.Where(s => modes.Contains(s.Settings.Offload))];
        }

        return [.. names.Split(',', StringSplitOptions.RemoveEmptyEntries).SelectMany(ScenarioName.Expand)
            .SelectMany(n => RunOptions.EachSize(settings).SelectMany(sized => (modes ?? RunOptions.DefaultModes(n)).Select(m => ScenarioSpec.Named(n, sized with { Offload = m }))))];
    }
}
