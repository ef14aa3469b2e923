using System.CommandLine;
using System.Globalization;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary>The options that say what is replayed and how; shared by every command that replays first and then shows something.</summary>
internal sealed class ReplayInputOptions
{
    private readonly Option<string?> _case = new("--case") { HelpName = "DIR", Description = "Case directory: case.json, flows.txt, groups.txt and meters.txt (optional), events.jsonl[.gz]." };
    private readonly Option<string?> _flows = new("--flows") { HelpName = "FILE", Description = "Flows, as ovs-ofctl add-flows takes them." };
    private readonly Option<string?> _groups = new("--groups") { HelpName = "FILE", Description = "Groups, as ovs-ofctl add-groups takes them." };
    private readonly Option<string?> _meters = new("--meters") { HelpName = "FILE", Description = "Meters, a line each as ovs-ofctl add-meter takes it." };
    private readonly Option<string?> _ports = new("--ports") { HelpName = "p1=1,p2=2", Description = "Port names and OpenFlow numbers." };
    private readonly Option<string[]> _input = new("--in") { HelpName = "FILE", Description = "Events (JSON lines) or a pcap or pcapng capture, gzip or not; - is standard input. Several captures are merged by their time stamps." };
    private readonly Option<string[]> _port = new("--port") { HelpName = CapturePorts.Syntax, Description = "Port on which the frames of a capture arrive, one for all or one per --in; auto: each interface or file is a port, else who speaks first is behind the first port, the other behind the second. Default: auto." };
    private readonly Option<bool> _fixChecksums = new("--fix-checksums") { Description = "Correct wrong checksums of a capture first, as the sender's NIC would have." };
    private readonly Option<bool> _respond = new("--respond") { Description = "Answer for the hosts: replies in a capture (TCP, UDP) and what its ICMP errors quote are rewritten to what the switch has translated (NAT), as who got the translated packet would send them. Packets are processed one by one." };
    private readonly Option<string?> _config = new("--config") { HelpName = "FILE", Description = "A case.json, for its \"config\" (and \"ports\" without --ports)." };
    private readonly Option<string> _offload = new("--offload") { HelpName = "none|soft|nic", Description = "Where merged rules go.", DefaultValueFactory = _ => "none" };
    private readonly Option<string?> _profile = new("--profile") { HelpName = "FILE", Description = "NIC profile, a built-in name or a JSON file; needs --offload nic." };
    private readonly Option<string?> _faults = new("--faults") { HelpName = "FILE", Description = "Fault plan of the NIC, a JSON file; needs --offload nic." };
    private readonly Option<string?> _admission = new("--admission") { HelpName = Admission.Syntax, Description = "Who gets a rule: every flow, a flow from its N-th packet on, or one that is predicted to save more cycles than the rule costs; needs --offload." };
    private readonly Option<string> _cache = new("--cache") { HelpName = "on|off", Description = "Microflow caches.", DefaultValueFactory = _ => "on" };
    private readonly NumberOption<int> _batch = new("--batch") { HelpName = "N", Description = "Packets per batch; more than 32 are split.", DefaultValueFactory = _ => MaxBatch };
    private readonly NumberOption<ulong> _seed = new("--seed") { HelpName = "S", Description = "Seed of all that the switch chooses by chance; MERGEFLOW_SEED sets the keys of its hashes.", DefaultValueFactory = _ => 0 };
    private readonly OptionalNumberOption<int> _pmds = new("--pmds") { HelpName = "N", Description = "Packet threads, 1 to 64, simulated in turn; frames are spread over them by a hash with --seed; default: as the case says, else 1." };
    private readonly Option<string> _rss = new("--rss") { HelpName = "symmetric|asymmetric", Description = "Whether both directions of a connection come to the same packet thread.", DefaultValueFactory = _ => "symmetric" };
    private readonly Option<string?> _quirks = new("--quirks") { HelpName = "ovs-3.1|none", Description = "Whose faults are repeated: those of Open vSwitch 3.1, with which cases are recorded, or none, as the switch ships; default: as the case says, else ovs-3.1 for events and none for captures." };

    private const int MaxBatch = 32;

    private readonly bool _choosesDevice;

    /// <param name="choosesDevice">False where the command itself says where rules go and who gets one.</param>
    public ReplayInputOptions(bool choosesDevice = true)
    {
        _choosesDevice = choosesDevice;
        _offload.AcceptOnlyFromAmong("none", "soft", "nic");
        _cache.AcceptOnlyFromAmong("on", "off");
        _rss.AcceptOnlyFromAmong("symmetric", "asymmetric");
        _profile.CompletionSources.Add([.. NicProfile.EmbeddedNames]);
        _quirks.AcceptOnlyFromAmong([.. Quirks.All.Select(q => q.Name)]);
    }

    private Option[] All => [_case, _flows, _groups, _meters, _ports, _input, _port, _fixChecksums, _respond, _config, _offload, _profile, _faults, _admission, _cache, _batch, _seed, _pmds, _rss, _quirks];

    /// <summary>Nothing that says what is replayed stands beside an option that says that nothing is.</summary>
    public void RefuseBeside(ParseResult parsed, string other)
    {
        foreach (Option option in All)
        {
            if (parsed.GetResult(option) is { Implicit: false }) CommandFailedException.ThrowUsage($"{other} and {option.Name} exclude each other");
        }
    }

    public void AddTo(Command command)
    {
        foreach (Option option in All)
        {
            if (_choosesDevice || (option != _offload && option != _profile && option != _faults && option != _admission)) command.Options.Add(option);
        }

        MetricsOptions.AddTo(command);
    }

    /// <summary>Puts the options together; a combination that makes no sense is a usage error.</summary>
    public ReplayArguments Resolve(ParseResult parsed)
    {
        ReplayArguments files = parsed.GetValue(_case) is string directory ? FromCase(parsed, directory) : FromFiles(parsed);
        if (parsed.GetValue(_batch) < 1) CommandFailedException.ThrowUsage("--batch: expected at least 1");
        if (parsed.GetValue(_pmds) is < 1 or > ConnTracker.MaxThreads) CommandFailedException.ThrowUsage($"--pmds: expected 1 to {ConnTracker.MaxThreads}");
        OffloadMode offload = _choosesDevice ? Enum.Parse<OffloadMode>(parsed.GetValue(_offload)!, ignoreCase: true) : OffloadMode.Nic;
        string[] once = [.. new[] { files.FlowsPath, files.GroupsPath, files.MetersPath, files.InputPath }.Concat(files.MoreInputs).OfType<string>().Where(static f => f == "-")];
        if (once.Length > 1) CommandFailedException.ThrowUsage("-: standard input can be read once");
        string? profile = _choosesDevice ? parsed.GetValue(_profile) : null;
        if (profile is not null && offload != OffloadMode.Nic) CommandFailedException.ThrowUsage("--profile needs --offload nic");
        if (profile is not null && !NicProfile.EmbeddedNames.Contains(profile) && !File.Exists(profile))
            throw new IOException($"--profile: '{profile}' is neither a file nor one of {string.Join(", ", NicProfile.EmbeddedNames)}");
        string? faults = _choosesDevice ? parsed.GetValue(_faults) : null;
        if (faults is not null && offload != OffloadMode.Nic) CommandFailedException.ThrowUsage("--faults needs --offload nic");
        IAdmissionPolicy? admission = null;
        if (_choosesDevice && parsed.GetValue(_admission) is string policy)
        {
            if (offload == OffloadMode.None) CommandFailedException.ThrowUsage("--admission needs --offload");
            if (!Admission.TryParse(policy, offload, out admission)) CommandFailedException.ThrowUsage($"--admission: expected {Admission.Syntax}, N from 1 to {RecordingFilter.MaxAfterPackets}, not '{policy}'");
        }

        ReplayProgress? progress = ReplayProgress.OnTerminal(parsed.InvocationConfiguration.Error);
        uint[] numbers = [.. files.Ports.Select(static p => p.Number)];
        uint?[] arrivals = [.. (parsed.GetValue(_port) ?? []).Select(p => CapturePorts.Parse(p, numbers))];
        if (arrivals.Length > 1 && arrivals.Length != files.MoreInputs.Count + 1) CommandFailedException.ThrowUsage(string.Create(CultureInfo.InvariantCulture, $"--port: {arrivals.Length} ports for {files.MoreInputs.Count + 1} inputs; give one for all, or one per --in"));
        return files with
        {
            CapturePorts = arrivals,
            Responds = parsed.GetValue(_respond),
            FixChecksums = parsed.GetValue(_fixChecksums),
            Offload = offload,
            NicProfile = profile,
            Faults = faults is null ? FaultPlan.None : FaultPlan.Load(faults),
            Admission = admission,
            CacheOn = parsed.GetValue(_cache) == "on",
            BatchSize = Math.Min(parsed.GetValue(_batch), MaxBatch),
            Seed = parsed.GetValue(_seed),
            PmdCount = parsed.GetValue(_pmds) ?? files.PmdCount,
            RssIsSymmetric = parsed.GetValue(_rss) == "symmetric",
            Quirks = parsed.GetValue(_quirks) is string quirks ? Quirks.Find(quirks)! : files.Quirks,
            Progress = progress,
            Note = text =>
            {
                progress?.End();
                parsed.InvocationConfiguration.Error.WriteLine($"mergeflow: note: {text}");
            },
            Warn = text =>
            {
                progress?.End();
                parsed.InvocationConfiguration.Error.WriteLine($"mergeflow: warning: {text}");
            },
        };
    }

    private ReplayArguments FromCase(ParseResult parsed, string directory)
    {
        foreach (Option other in new Option[] { _flows, _groups, _meters, _ports, _input, _config })
        {
            if (parsed.GetResult(other) is not null) CommandFailedException.ThrowUsage($"--case and {other.Name} exclude each other");
        }
        return ReplayArguments.FromCase(directory);
    }

    private ReplayArguments FromFiles(ParseResult parsed)
    {
        if (parsed.GetValue(_flows) is not string flows || parsed.GetValue(_input) is not [string input, .. string[] more])
        {
            CommandFailedException.ThrowUsage("either --case or --flows, --ports and --in are required");
            return null;
        }
        IReadOnlyList<(string Name, uint Number)>? ports = parsed.GetValue(_ports) is string text ? PortList.Parse(text) : null;
        CaseConfig config = parsed.GetValue(_config) is string path ? CaseConfig.Load(path) : new CaseConfig();
        ports ??= config.Ports;
        if (ports is null) CommandFailedException.ThrowUsage("--ports is required, or a --config that has \"ports\"");
        return new ReplayArguments
        {
            FlowsPath = flows,
            GroupsPath = parsed.GetValue(_groups),
            MetersPath = parsed.GetValue(_meters),
            InputPath = input,
            MoreInputs = more,
            Config = config,
            Ports = ports!,
            PmdCount = config.PmdCount,
        };
    }
}
