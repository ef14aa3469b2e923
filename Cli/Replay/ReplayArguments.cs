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

    /// <summary>Event file or capture.</summary>
    public required string InputPath { get; init; }

    public required CaseConfig Config { get; init; }

    public required IReadOnlyList<(string Name, uint Number)> Ports { get; init; }

    /// <summary>Where the frames of a capture arrive; null = the first port.</summary>
    public uint? CapturePort { get; init; }

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

    /// <summary>See <see cref="SimulatorOptions.RssIsSymmetric"/>.</summary>
    public bool RssIsSymmetric { get; init; } = true;

    /// <summary>
    /// Whose faults are repeated. With <see cref="Quirks.None"/> the switch is built as it ships, its revalidator's and its sweeps' rhythm included;
    /// with those of a release that rhythm is the recording's, too. A case says whose (<see cref="CaseConfig.Quirks"/>).
    /// </summary>
    public Quirks Quirks { get; init; } = Quirks.Ovs31;

    /// <summary>
    /// Takes one line per match that Open vSwitch would normalize, that is, widen; when a device does not confirm a change; when a thread of the switch fails.
    /// </summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Is told of every event; null = nobody watches.</summary>
    public ReplayProgress? Progress { get; init; }

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
        return new ReplayArguments
        {
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
