using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;
using Mergeflow.Engine.Lookup;
using Mergeflow.Nic;

namespace Mergeflow.Perf;

/// <summary>Options that say how rows are measured; shared by all commands that measure.</summary>
internal sealed class RunOptions
{
    internal static readonly OffloadMode[] AllModes = [OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic];

    private readonly Option<string?> _offload = new("--offload") { HelpName = "none|soft|nic|all", Description = "Where merged rules go; several with commas. Default: all where connections are tracked, else none." };
    private readonly Option<string> _cache = new("--cache") { HelpName = "on|off", Description = "Microflow caches.", DefaultValueFactory = _ => "on" };
    private readonly NumberOption<double> _seconds = new("--seconds") { HelpName = "S", Description = "Measured time per run.", DefaultValueFactory = _ => 0.5 };
    private readonly NumberOption<int> _runs = new("--runs") { HelpName = "N", Description = "Measured runs per row.", DefaultValueFactory = _ => 5 };
    private readonly OptionalNumberOption<int> _cpu = new("--cpu") { HelpName = "N", Description = "Processor of the packet thread; default: the last one." };
    private readonly NumberOption<int> _pmd = new("--pmd") { HelpName = "N", Description = "PMD threads, each with a share of the flows and, without --shared, a datapath of its own.", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _apart = new("--directions-apart") { Description = "The directions of each connection come to different PMD threads; needs --shared." };
    private readonly Option<bool> _shared = new("--shared") { Description = "The PMD threads of --pmd are of one datapath." };
    private readonly Option<string?> _nicProfile = new("--nic-profile") { HelpName = "NAME|FILE", Description = "Profile of the emulated NIC. Default: ideal." };

    private readonly NumberOption<int> _subtableLimit = new("--subtable-limit") { HelpName = "N", Description = "Subtables from which on megaflows with new masks match whole addresses and ports; 0: never.", DefaultValueFactory = _ => new BenchSettings().SubtableLimit };
    private readonly NumberOption<int> _connections = new("--connections") { HelpName = "N", Description = "Most connections.", DefaultValueFactory = _ => new BenchSettings().ConnectionCapacity };
    private readonly NumberOption<int> _flowLimit = new("--flow-limit") { HelpName = "N", Description = "Most megaflows of each packet thread.", DefaultValueFactory = _ => new BenchSettings().FlowLimit };
    private readonly NumberOption<int> _mergedRules = new("--merged-rules") { HelpName = "N", Description = "Most merged rules of --offload soft, for each packet thread; a NIC has as many as its profile says.", DefaultValueFactory = _ => new BenchSettings().MergedCapacity };
    private readonly Option<string> _frameSize = new("--frame-size") { HelpName = "N|imix", Description = "Frame lengths of made-up traffic with FCS, 64 to 1518 bytes; several with commas.", DefaultValueFactory = _ => "64" };
    private readonly Option<bool> _stages = new("--stages") { Description = "Measure also where the cycles go: receive, parse, lookups, conntrack, actions, transmit." };

    private readonly OptionalNumberOption<double> _batchLatency = new("--batch-latency") { HelpName = "S", Description = "Then measure for S seconds how long each batch takes: percentiles, allocation, collections." };

    public RunOptions()
    {
        _cache.AcceptOnlyFromAmong("on", "off");
        _nicProfile.CompletionSources.Add([.. NicProfile.EmbeddedNames]);
        _offload.CompletionSources.Add("none", "soft", "nic", "all");
    }

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _offload, _cache, _seconds, _runs, _cpu, _pmd, _shared, _apart, _nicProfile, _subtableLimit, _connections, _flowLimit, _mergedRules, _frameSize, _stages, _batchLatency }) command.Options.Add(option);
    }

    /// <summary>The settings once per frame length that was asked for.</summary>
    public static IEnumerable<BenchSettings> EachSize(BenchSettings settings) => settings.FrameSizes.Select(s => settings with { FrameSize = s });

    /// <summary>Everything but the mode.</summary>
    /// <exception cref="PerfException">A value makes no sense.</exception>
    public BenchSettings Settings(ParseResult parsed)
    {
        double seconds = parsed.GetValue(_seconds);
        int runs = parsed.GetValue(_runs);
        if (seconds is not (>= 0.01 and <= 3600)) throw PerfException.Usage("--seconds: expected 0.01 to 3600");
        if (runs is < 1 or > 1000) throw PerfException.Usage("--runs: expected 1 to 1000");
        int? cpu = parsed.GetValue(_cpu);
        int[] allowed = Native.ThreadPinning.AllowedCpus();
        if (cpu is int n && allowed.Length > 0 && !allowed.Contains(n))
            throw PerfException.Usage(string.Create(CultureInfo.InvariantCulture, $"--cpu: {n} is none of the usable processors {string.Join(',', allowed)}"));
        int pmds = parsed.GetValue(_pmd);
        if (pmds is < 1 or > 64) throw PerfException.Usage("--pmd: expected 1 to 64");
        if (parsed.GetValue(_shared) && pmds == 1) throw PerfException.Usage("--shared needs --pmd");
        if (parsed.GetValue(_apart) && !parsed.GetValue(_shared)) throw PerfException.Usage("--directions-apart needs --shared");
        if (pmds > 1 && cpu is not null) throw PerfException.Usage("--pmd: several threads take the last processors, --cpu chooses one");
        int subtableLimit = parsed.GetValue(_subtableLimit);
        if (subtableLimit is < 0 or > 1_000_000) throw PerfException.Usage("--subtable-limit: expected 0 to 1000000");
        int connections = parsed.GetValue(_connections), flowLimit = parsed.GetValue(_flowLimit), mergedRules = parsed.GetValue(_mergedRules);
        if (connections is < 1 or > ConntrackOptions.MaxCapacityConnections) throw PerfException.Usage($"--connections: expected 1 to {ConntrackOptions.MaxCapacityConnections}");
        if (flowLimit is < 1 or > MegaflowId.MaxSlots) throw PerfException.Usage($"--flow-limit: expected 1 to {MegaflowId.MaxSlots}");
        if (mergedRules is < 1 or > CaseConfig.MaxMergedRules) throw PerfException.Usage($"--merged-rules: expected 1 to {CaseConfig.MaxMergedRules}");
        double? batchSeconds = parsed.GetValue(_batchLatency);
        if (batchSeconds is not (null or (>= 0.01 and <= 3600))) throw PerfException.Usage("--batch-latency: expected 0.01 to 3600");
        string? profile = parsed.GetValue(_nicProfile);
        if (profile is not null && !NicProfile.EmbeddedNames.Contains(profile) && !File.Exists(profile))
            throw PerfException.Usage($"--nic-profile: '{profile}' is neither a file nor one of {string.Join(", ", NicProfile.EmbeddedNames)}");
        return new BenchSettings
        {
            CacheOn = parsed.GetValue(_cache) == "on",
            Seconds = seconds,
            Runs = runs,
            Cpu = cpu,
            Pmds = pmds,
            SharesDatapath = parsed.GetValue(_shared),
            DirectionsApart = parsed.GetValue(_apart),
            SubtableLimit = subtableLimit,
            ConnectionCapacity = connections,
            FlowLimit = flowLimit,
            MergedCapacity = mergedRules,
            NicProfile = profile,
            FrameSizes = FrameSize.ParseList(parsed.GetRequiredValue(_frameSize)),
            Stages = parsed.GetValue(_stages) ? new StageRunner() : null,
            BatchLatency = batchSeconds is double b ? new BatchLatencyRunner(b) : null,
        };
    }

    /// <summary>The modes asked for, or null if none were.</summary>
    /// <exception cref="PerfException">An unknown mode.</exception>
    public IReadOnlyList<OffloadMode>? Modes(ParseResult parsed)
    {
        if (parsed.GetValue(_offload) is not string text) return null;
        if (text == "all") return AllModes;
        return [.. text.Split(',').Select(Mode).Distinct()];
    }

    /// <summary>What a scenario is run with when no mode is asked for.</summary>
    public static IReadOnlyList<OffloadMode> DefaultModes(string scenario)
        => scenario.StartsWith("s4", StringComparison.OrdinalIgnoreCase) || scenario.StartsWith("s5", StringComparison.OrdinalIgnoreCase) ? AllModes : [OffloadMode.None];

    /// <summary>A mode by name.</summary>
    /// <exception cref="PerfException">Unknown.</exception>
    public static OffloadMode Mode(string text) => text switch
    {
        "none" => OffloadMode.None,
        "soft" => OffloadMode.Soft,
        "nic" => OffloadMode.Nic,
        _ => throw PerfException.Usage($"--offload: '{text}' is none of none, soft, nic, all"),
    };
}
