using Mergeflow.Nic;

namespace Mergeflow.Cli;

/// <summary>Everything that determines a replay: the files, the switch, the way it is run.</summary>
public sealed record ReplayArguments
{
    public required string FlowsPath { get; init; }

    /// <summary>Null when there are no groups.</summary>
    public string? GroupsPath { get; init; }

    /// <summary>Null when there are no meters.</summary>
    public string? MetersPath { get; init; }

    /// <summary>Connections that were there before the first event; null = none.</summary>
    public string? ConnectionsPath { get; init; }

    /// <summary>Event file or capture.</summary>
    public required string InputPath { get; init; }

    public required CaseConfig Config { get; init; }

    public required IReadOnlyList<(string Name, uint Number)> Ports { get; init; }

    /// <summary>Further captures, merged with the first one by their time stamps.</summary>
    public IReadOnlyList<string> MoreInputs { get; init; } = [];

    /// <summary>Where the frames of captures arrive: a port per capture, or one for all; null = auto. Empty: auto. See <see cref="Mergeflow.Cli.CapturePorts"/>.</summary>
    public IReadOnlyList<uint?> CapturePorts { get; init; } = [];

    /// <summary>Rewrite recorded replies to what the switch has translated, see <see cref="Responder"/>. Packets are then processed one by one.</summary>
    public bool Responds { get; init; }

    /// <summary>Correct wrong checksums of captures.</summary>
    public bool FixChecksums { get; init; }

    public OffloadMode Offload { get; init; }

    /// <summary>Name or file of a NIC profile; null = the default one.</summary>
    public string? NicProfile { get; init; }

    /// <summary>What goes wrong in the NIC.</summary>
    public FaultPlan Faults { get; init; } = FaultPlan.None;

    /// <summary>Who gets a rule; null = every flow.</summary>
    public IAdmissionPolicy? Admission { get; init; }

    public bool CacheOn { get; init; } = true;

    /// <summary>Packets that are processed together.</summary>
    public int BatchSize { get; init; } = 32;

    public ulong Seed { get; init; }

    /// <summary>Packet threads.</summary>
    public int PmdCount { get; init; } = 1;

    /// <summary>Handler threads, see <see cref="DatapathOptions.HandlerCount"/>.</summary>
    public int HandlerCount { get; init; }

    /// <summary>See <see cref="SimulatorOptions.RssIsSymmetric"/>.</summary>
    public bool RssIsSymmetric { get; init; } = true;

    /// <summary>
    /// Whose faults are repeated. With <see cref="Quirks.None"/> the switch is built as it ships, its revalidator's and its sweeps' rhythm included;
    /// with those of a release that rhythm is the recording's, too. A case says whose (<see cref="CaseConfig.Quirks"/>); null = those of Open vSwitch 3.1 for events,
    /// which are recordings, and none for captures.
    /// </summary>
    public Quirks? Quirks { get; init; }

    /// <summary>
    /// Takes one line per match that Open vSwitch would normalize, that is, widen; when a device does not confirm a change; when a thread of the switch fails.
    /// </summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Takes one line that tells what was made of the input without being asked.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Keep <see cref="ReplaySession.Fates"/>: what became of each packet, per flow.</summary>
    public bool LogsFates { get; init; }

    /// <summary>Is told of every event; null = nobody watches.</summary>
    public ReplayProgress? Progress { get; init; }

    /// <summary>Copies of inputs that can be read only once; null = they are read once. Not owned.</summary>
    public InputSpool? Spool { get; init; }

    /// <summary>For who replays more than once: copies of what can be read only once, for <see cref="Spool"/>.</summary>
    /// <inheritdoc cref="InputSpool.Of"/>
    public InputSpool OpenSpool(CancellationToken interrupted)
        => InputSpool.Of(new[] { FlowsPath, GroupsPath, MetersPath, InputPath }.Concat(MoreInputs).OfType<string>(), interrupted);

    /// <summary>Takes the files of a case directory.</summary>
    /// <exception cref="IOException">The directory or one of its files is missing.</exception>
    public static ReplayArguments FromCase(string directory)
    {
        if (!Directory.Exists(directory)) throw new IOException($"there is no case directory '{directory}'");
        string configPath = Path.Combine(directory, "case.json");
        CaseConfig config = CaseConfig.Load(configPath);
        if (config.Ports is null) CommandFailedException.ThrowBadInput("case.json", 1, "member \"ports\" is missing");
        string compressed = Path.Combine(directory, "events.jsonl.gz");
        string groups = Path.Combine(directory, "groups.txt");
        string meters = Path.Combine(directory, "meters.txt");
        string connections = Path.Combine(directory, "connections.jsonl");
        return new ReplayArguments
        {
            ConnectionsPath = File.Exists(connections) ? connections : null,
            FlowsPath = Path.Combine(directory, "flows.txt"),
            GroupsPath = File.Exists(groups) ? groups : null,
            MetersPath = File.Exists(meters) ? meters : null,
            InputPath = File.Exists(compressed) ? compressed : Path.Combine(directory, "events.jsonl"),
            Config = config,
            Ports = config.Ports!,
            Quirks = config.Quirks,
            PmdCount = config.PmdCount,
        };
    }
}
