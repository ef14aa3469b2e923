using System.Text.Json.Serialization;

namespace Mergeflow.Perf;

/// <summary>One row: a workload with one offload mode and cache setting.</summary>
public sealed record ScenarioResult
{
    /// <summary>Name, as <c>--scenario</c> takes it, or the file name of a capture.</summary>
    public required string Name { get; init; }

    /// <summary><c>none</c>, <c>soft</c> or <c>nic</c>.</summary>
    public required string Offload { get; init; }

    /// <summary>Microflow caches on.</summary>
    public required bool CacheOn { get; init; }

    /// <summary>Each run starts without connections and megaflows and replays the frames once.</summary>
    public bool OneShot { get; init; }

    /// <summary>Profile of the emulated NIC, with offload <c>nic</c>.</summary>
    public string? NicProfile { get; init; }

    /// <summary>What the datapath was made of; older files do not say.</summary>
    public DatapathInfo? Datapath { get; init; }

    /// <summary>Packets per second.</summary>
    public required Spread PacketsPerSecond { get; init; }

    /// <summary>Nanoseconds per packet.</summary>
    public required Spread NsPerPacket { get; init; }

    /// <summary>TSC cycles per packet.</summary>
    public required Spread CyclesPerPacket { get; init; }

    /// <summary>Part of <see cref="CyclesPerPacket"/> that the emulation of the NIC took, mean of the runs; no processor would spend them with a real one.</summary>
    public double? DeviceCyclesPerPacket { get; init; }

    /// <summary>Where packets were decided.</summary>
    public required TierShares Tiers { get; init; }

    /// <summary>Passes through the software tables per packet received.</summary>
    public required double PassesPerPacket { get; init; }

    /// <summary>Megaflow subtables probed per search.</summary>
    public required double SubtablesPerSearch { get; init; }

    /// <summary>Packets transmitted per packet received.</summary>
    public required double TxPerRx { get; init; }

    /// <summary>Managed bytes that the packet thread allocated, sum of the measured runs.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>Garbage collections of the process, sum of the measured runs.</summary>
    public required int Collections { get; init; }

    /// <summary>Megaflows at the end.</summary>
    public required int Megaflows { get; init; }

    /// <summary>Connections at the end.</summary>
    public required int Connections { get; init; }

    /// <summary>Merged rules installed, over the whole scenario.</summary>
    public required ulong OffloadedRules { get; init; }

    /// <summary>Backing of the receive ring: <c>none</c>, <c>transparent</c> or <c>explicit</c>.</summary>
    public required string HugePages { get; init; }

    /// <summary>Processor of the packet thread; null if it could not be pinned.</summary>
    public int? Cpu { get; init; }

    /// <summary>The measured runs, in order.</summary>
    public required IReadOnlyList<RunResult> Runs { get; init; }

    /// <summary>Why packets were not offloaded, most packets first: in the measured runs, without set-up and warm-up; of captures in the first pass.</summary>
    public IReadOnlyList<ReasonCount> Reasons { get; init; } = [];

    /// <summary>What became of the packets in one pass with the capture's own clock, captures with offload only: parts that add up to what was received.</summary>
    public IReadOnlyList<ReasonCount>? FirstPass { get; init; }

    /// <summary>Rounds per second in which a looped capture was played, and frames of it that open or close a connection; captures only.</summary>
    public LoopInfo? Loop { get; init; }

    /// <summary>SHA-256 over the output per port of the first pass, captures only.</summary>
    public string? OutputSha256 { get; init; }

    /// <summary>Frames per pass, captures only.</summary>
    public int? Frames { get; init; }

    /// <summary>Whole connections per second, scenarios <c>cps_*</c> only.</summary>
    public Spread? ConnectionsPerSecond { get; init; }

    /// <summary>No-drop rate and latency, command <c>ndr</c> only.</summary>
    public RateResult? Rates { get; init; }

    /// <summary>How the offload takes over, command <c>ramp</c> only.</summary>
    public IReadOnlyList<RampPoint>? Ramp { get; init; }

    /// <summary>Table size, command <c>sweep</c> only.</summary>
    public SweepPoint? Sweep { get; init; }

    /// <summary>How full the emulated NIC was at the end, with offload <c>nic</c>.</summary>
    public NicOccupancy? Nic { get; init; }

    /// <summary>What changes of the tables cost, command <c>churn</c> only.</summary>
    public ChurnResult? Churn { get; init; }

    /// <summary>Where the cycles go, option <c>--stages</c> only.</summary>
    public StageResult? Stages { get; init; }

    /// <summary>Time of the batches, option <c>--batch-latency</c> only.</summary>
    public BatchLatency? BatchLatency { get; init; }

    /// <summary>The peer on the same work in the same run, if there was one.</summary>
    public PeerResult? Peer { get; init; }

    /// <summary>What tells this row from the others.</summary>
    [JsonIgnore]
    public string Key => $"{Name} {Offload}{(CacheOn ? "" : " cache=off")}";
}
