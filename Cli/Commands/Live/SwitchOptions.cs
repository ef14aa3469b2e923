using System.CommandLine;
using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary>What <c>mergeflow switch</c> is told.</summary>
internal sealed class SwitchOptions
{
    private const int MaxCpu = 4095;
    private const int MaxKeepMegabytes = 1024;
    private const int MaxStateSeconds = 86_400;

    private readonly Option<string[]> _ports = new("--port") { HelpName = PortSpec.Syntax, Description = "A port; several may be given. TYPE: system (a network device; the default), tap, internal." };
    private readonly Option<string?> _flows = new("--flows") { HelpName = "FILE", Description = "Flows, as ovs-ofctl add-flows takes them; default: a switch that learns." };
    private readonly Option<string?> _groups = new("--groups") { HelpName = "FILE", Description = "Groups, as ovs-ofctl add-groups takes them." };
    private readonly Option<string?> _meters = new("--meters") { HelpName = "FILE", Description = "Meters, a line each as ovs-ofctl add-meter takes it." };
    private readonly Option<string> _offload = new("--offload") { HelpName = "none|soft|nic|kernel", Description = "Where merged rules go: nowhere, into a table that software asks first, into the emulated NIC, into the kernel.", DefaultValueFactory = _ => "soft" };
    private readonly Option<string?> _profile = new("--profile") { HelpName = "FILE", Description = "NIC profile, a built-in name or a JSON file; needs --offload nic." };
    private readonly Option<string?> _cpus = new("--pmd-cpus") { HelpName = "N,N,..", Description = "Processors of the packet threads, one thread for each; default: one thread, not pinned." };
    private readonly NumberOption<int> _handlers = new("--handlers") { HelpName = "N", Description = "Threads that translate what packet threads miss (n-handler-threads); 0: they do it themselves.", DefaultValueFactory = _ => 0 };
    private readonly Option<string?> _config = new("--config") { HelpName = "FILE", Description = "A case.json, for its \"config\" (and \"ports\" without --port)." };
    private readonly Option<string?> _socket = new("--socket") { HelpName = "SOCKET", Description = $"Control socket; default: {ControlSocket.FileName} in the run directory." };
    private readonly Option<string?> _openFlow = new("--openflow") { HelpName = "SOCKET", Description = "Where ovs-ofctl and controllers connect; default: br0.mgmt beside the control socket." };
    private readonly Option<string?> _pidFile = new("--pidfile") { HelpName = "FILE", Description = "Write the number of the process there while it runs." };
    private readonly Option<string?> _logFile = new("--log-file") { HelpName = "FILE", Description = "Write events there, too, with their time; SIGHUP begins it anew." };

    private readonly Option<string?> _state = new("--state") { HelpName = "FILE", Description = "Take over the connections of that file at the start, if it is there, and write them there at the end." };

    private readonly NumberOption<int> _stateEvery = new("--state-every") { HelpName = "SECONDS", Description = "Write them there so often meanwhile, for a crash; 0 = at the end only.", DefaultValueFactory = _ => 10 };

    private readonly NumberOption<int> _keepLast = new("--keep-last") { HelpName = "MB", Description = "Memory of each packet thread for its last frames, for record --last; 0 = none.", DefaultValueFactory = _ => 8 };

    private readonly Option<string> _shadow = new("--shadow") { HelpName = "off|N|all", Description = "Check one in N packets that the kernel forwards, and the first of each rule, against software; needs --offload kernel.", DefaultValueFactory = _ => "off" };
    private readonly Option<string?> _shadowCases = new("--shadow-cases") { HelpName = "DIR", Description = "Where a packet that was forwarded otherwise is kept as a case; default: shadow beside the control socket." };

    public SwitchOptions() => _offload.AcceptOnlyFromAmong("none", "soft", "nic", "kernel");

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _ports, _flows, _groups, _meters, _offload, _profile, _cpus, _handlers, _config, _socket, _openFlow, _pidFile, _logFile, _state, _stateEvery, _keepLast, _shadow, _shadowCases }) command.Options.Add(option);
        MetricsOptions.AddTo(command);
    }

    /// <summary>Puts the options together; nothing has been opened but the files that are read.</summary>
    /// <exception cref="CommandFailedException">They make no sense, or ask for what is not there.</exception>
    public SwitchArguments Resolve(ParseResult parsed)
    {
        OffloadMode offload = Enum.Parse<OffloadMode>(parsed.GetValue(_offload)!, ignoreCase: true);
        string? profile = parsed.GetValue(_profile);
        if (profile is not null && offload != OffloadMode.Nic) CommandFailedException.ThrowUsage("--profile needs --offload nic");
        if (profile is not null && !NicProfile.EmbeddedNames.Contains(profile) && !File.Exists(profile))
            throw new IOException($"--profile: '{profile}' is neither a file nor one of {string.Join(", ", NicProfile.EmbeddedNames)}");
        CaseConfig config = parsed.GetValue(_config) is string path ? CaseConfig.Load(path) : new CaseConfig();
        string[] given = parsed.GetValue(_ports) ?? [];
        IReadOnlyList<PortSpec> specs = given.Length > 0 ? PortSpec.Parse(given)
            : config.Ports is { } ports ? PortSpec.Of(ports, config.Tunnels)
            : throw new CommandFailedException(ExitCode.Usage, "--port is required, or a --config that has \"ports\"");
        if (parsed.GetValue(_keepLast) is < 0 or > MaxKeepMegabytes) CommandFailedException.ThrowUsage($"--keep-last: expected 0 to {MaxKeepMegabytes}");
        int shadow = Shadow(parsed.GetValue(_shadow)!);
        if (shadow > 0 && offload != OffloadMode.Kernel) CommandFailedException.ThrowUsage("--shadow needs --offload kernel");
        if (parsed.GetValue(_handlers) is < 0 or > ConnTracker.MaxThreads) CommandFailedException.ThrowUsage($"--handlers: expected 0 to {ConnTracker.MaxThreads}");
        if (parsed.GetValue(_stateEvery) is < 0 or > MaxStateSeconds) CommandFailedException.ThrowUsage($"--state-every: expected 0 to {MaxStateSeconds}");
        IReadOnlyList<int>? cpus = parsed.GetValue(_cpus) is string text ? Cpus(text) : null;
        List<WatchedTunnel> tunnels = [];
        return new SwitchArguments
        {
            Specs = specs,
            Tunnels = tunnels,
            Ports = PatchPairs.Of(specs, cpus?.Count ?? config.PmdCount, s => TunnelSpecs.Is(s) ? TunnelSpecs.Of(s, specs, tunnels.Add) : s.Type == PcapSpecs.Type ? PcapSpecs.Of(s, cpus?.Count ?? config.PmdCount) : PortFactory.Of(s)),
            Files = new RuleFiles(parsed.GetValue(_flows), parsed.GetValue(_groups), parsed.GetValue(_meters)) { Option = config.Option },
            Cpus = cpus,
            Socket = parsed.GetValue(_socket) ?? ControlSocket.DefaultPath,
            OpenFlow = parsed.GetValue(_openFlow) ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(parsed.GetValue(_socket) ?? ControlSocket.DefaultPath))!, $"{SwitchArguments.BridgeName}.mgmt"),
            PidFile = parsed.GetValue(_pidFile),
            LogFile = parsed.GetValue(_logFile),
            KeepLastBytes = parsed.GetValue(_keepLast) << 20,
            StateFile = parsed.GetValue(_state),
            ShadowCases = parsed.GetValue(_shadowCases) ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(parsed.GetValue(_socket) ?? ControlSocket.DefaultPath))!, "shadow"),
            StateEvery = TimeSpan.FromSeconds(parsed.GetValue(_stateEvery)),
            Datapath = new DatapathOptions
            {
                Ports = [],
                PmdCount = cpus?.Count ?? config.PmdCount,
                HandlerCount = parsed.GetValue(_handlers),
                Offload = offload,
                ShadowOneIn = shadow,
                NicProfile = profile,
                VlanLimit = config.VlanLimit,
                Option = config.Option,
                TcpSeqChk = config.TcpSeqChk && offload is not (OffloadMode.Nic or OffloadMode.Kernel),
                ConnectionCapacity = config.MaxConnections,
                MegaflowCapacity = config.FlowLimit,
                MergedCapacity = config.MergedRules,
                IpfMinFragV4Bytes = config.IpfMinFragV4Bytes,
                IpfMinFragV6Bytes = config.IpfMinFragV6Bytes,
                LargeFrameCapacity = 64,
                PacketInBytes = 1 << 20,
            },
        };
    }

    private static int Shadow(string text) => text switch
    {
        "off" => 0,
        "all" => 1,
        _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n is >= 0 and <= KernelNic.MaxShadowOneIn => n,
        _ => throw new CommandFailedException(ExitCode.Usage, $"--shadow: '{text}' is none of off, all and a number up to {KernelNic.MaxShadowOneIn}"),
    };

    private static int[] Cpus(string text)
    {
        List<int> cpus = [];
        foreach (string word in text.Split(','))
        {
            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int cpu) || cpu > MaxCpu) throw new CommandFailedException(ExitCode.Usage, $"--pmd-cpus: '{word}' is no processor");
            if (cpus.Contains(cpu)) throw new CommandFailedException(ExitCode.Usage, $"--pmd-cpus: processor {cpu} occurs twice");
            cpus.Add(cpu);
        }

        if (cpus.Count > ConnTracker.MaxThreads) throw new CommandFailedException(ExitCode.Usage, $"--pmd-cpus: at most {ConnTracker.MaxThreads}");
        return [.. cpus];
    }
}

/// <summary>The same, put together.</summary>
internal sealed record SwitchArguments
{
    /// <summary>Ports as they were asked for.</summary>
    public required IReadOnlyList<PortSpec> Specs { get; init; }

    /// <summary>The same, to be opened.</summary>
    public required IReadOnlyList<WatchedPort> Ports { get; init; }

    /// <summary>Those of them that are tunnels and find their way by themselves.</summary>
    public required IReadOnlyList<WatchedTunnel> Tunnels { get; init; }

    /// <summary>Where rules come from.</summary>
    public required RuleFiles Files { get; init; }

    /// <summary>Processor of each packet thread; null = not pinned.</summary>
    public IReadOnlyList<int>? Cpus { get; init; }

    /// <summary>Path of the control socket.</summary>
    public required string Socket { get; init; }

    /// <summary>Name of the switch where others ask for one.</summary>
    public const string BridgeName = "br0";

    /// <summary>Path of the socket for OpenFlow.</summary>
    public required string OpenFlow { get; init; }

    /// <summary>Name of the switch.</summary>
    public string Bridge => BridgeName;

    /// <summary>Null = none.</summary>
    public string? PidFile { get; init; }

    /// <summary>Null = none.</summary>
    public string? LogFile { get; init; }

    /// <summary>Where connections are kept from one run to the next; null = they are not.</summary>
    public string? StateFile { get; init; }

    /// <summary>Where packets are kept that the kernel has forwarded otherwise than software.</summary>
    public required string ShadowCases { get; init; }

    /// <summary>They are written so often while it runs; zero = at the end only.</summary>
    public TimeSpan StateEvery { get; init; }

    /// <summary>Memory of each packet thread for its last frames; 0 = none.</summary>
    public int KeepLastBytes { get; init; }

    /// <summary>Sizes and features.</summary>
    public required DatapathOptions Datapath { get; init; }
}
