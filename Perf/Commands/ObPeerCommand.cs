using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>
/// <c>ob-peer</c>: one measurement for a driver that runs another switch in turn with this one. Reads OB_SCEN, OB_PCAP, OB_SETUP, OB_FLOWS and
/// OB_SECS from the environment; prints <c>pps=N cyc=N</c> and nothing else.
/// </summary>
internal static class ObPeerCommand
{
    private const double DefaultSeconds = 2;
    private const int SubRuns = 5;

    public static Command Create(TextWriter output, CancellationToken interrupted)
    {
        Option<string> offload = new("--offload") { HelpName = "none|soft", Description = "Where merged rules go.", DefaultValueFactory = _ => "none" };
        Option<string> cache = new("--cache") { HelpName = "on|off", Description = "Microflow caches; a scenario that ends in _emc0 has them off anyway.", DefaultValueFactory = _ => "on" };
        offload.AcceptOnlyFromAmong("none", "soft");
        cache.AcceptOnlyFromAmong("on", "off");
        Command command = new("ob-peer", "Measure what OB_SCEN, OB_PCAP, OB_SETUP, OB_FLOWS and OB_SECS say; print pps=N cyc=N.");
        command.Options.Add(offload);
        command.Options.Add(cache);
        command.SetAction(parsed =>
        {
            BenchResult result = Measure(RunOptions.Mode(parsed.GetRequiredValue(offload)), parsed.GetValue(cache) == "on", interrupted);
            BenchRun median = result.Median;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pps={median.PacketsPerSecond:F0} cyc={median.CyclesPerPacket:F1}"));
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static BenchResult Measure(OffloadMode offload, bool cacheOn, CancellationToken interrupted)
    {
        ScenarioName name = ScenarioName.Split(Variable("OB_SCEN") ?? "");
        string pcap = Variable("OB_PCAP") ?? throw PerfException.Usage("OB_PCAP is not set");
        string flows = Variable("OB_FLOWS") ?? throw PerfException.Usage("OB_FLOWS is not set");
        double seconds = Variable("OB_SECS") is string text && double.TryParse(text, CultureInfo.InvariantCulture, out double s) && s > 0 ? s : DefaultSeconds;
        Workload workload = new CaptureRun(pcap) { FlowsPath = flows, InPort = 1 }.Load();
        if (Variable("OB_SETUP") is string setup) workload = workload with { Setup = new CaptureRun(setup) { FlowsPath = flows, InPort = 1 }.Load().Frames };

        // The driver gives a call ten seconds, loading and warm-up included.
        var settings = new BenchSettings
        {
            Offload = offload,
            CacheOn = cacheOn && name.CacheOn,
            HardwareChecksums = name.HardwareChecksums,
            OneShot = ScenarioName.IsOneShot(name.Full),
            Seconds = Math.Min(seconds, 5) / SubRuns,
            Runs = SubRuns,
            Retries = 2,
            WarmupSeconds = 1.5,
        };
        return new ScenarioRunner(workload, settings, null, interrupted).Run();
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
