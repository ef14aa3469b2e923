namespace Mergeflow.Perf;

/// <summary>How a workload is run.</summary>
public sealed record BenchSettings
{
    /// <summary>Offload provider.</summary>
    public OffloadMode Offload { get; init; }

    /// <summary>Microflow cache on.</summary>
    public bool CacheOn { get; init; } = true;

    /// <summary>The receiver reports checksum verdicts, as the peer's does except in its <c>_sw</c> rows.</summary>
    public bool HardwareChecksums { get; init; } = true;

    /// <summary>Measured time per run, seconds.</summary>
    public double Seconds { get; init; } = 1;

    /// <summary>Measured runs; the median is reported.</summary>
    public int Runs { get; init; } = 5;

    /// <summary>Longest warm-up, seconds; it ends earlier when the rate has settled.</summary>
    public double WarmupSeconds { get; init; } = 2;

    /// <summary>Lengths of the frames of made-up traffic.</summary>
    public FrameSize FrameSize { get; init; } = FrameSize.Smallest;

    /// <summary>All lengths that were asked for: one row each.</summary>
    public IReadOnlyList<FrameSize> FrameSizes { get; init; } = [FrameSize.Smallest];

    /// <summary>Processor of the packet thread; null = the last one allowed.</summary>
    public int? Cpu { get; init; }

    /// <summary>PMD threads.</summary>
    public int Pmds { get; init; } = 1;

    /// <summary>The PMD threads are of one datapath; else each has its own.</summary>
    public bool SharesDatapath { get; init; }

    /// <summary>The directions of each connection come to different PMD threads of one datapath.</summary>
    public bool DirectionsApart { get; init; }

    /// <summary>NIC profile for <see cref="OffloadMode.Nic"/>.</summary>
    public string? NicProfile { get; init; }

    /// <summary>Each run starts without connections and megaflows and replays the capture once (set-up rate).</summary>
    public bool OneShot { get; init; }

    /// <summary>Runs that may be repeated because other work was on the processor.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>Offload and aging on a thread of their own where there is a second processor, else between the batches of the packet thread.</summary>
    public bool OffloadThread { get; init; } = true;

    /// <summary>Search for the no-drop rate after the runs, or null.</summary>
    public RateRunner? Rates { get; init; }

    /// <summary>Watch the offload take over after the runs, or null.</summary>
    public RampRunner? Ramp { get; init; }

    /// <summary>Change the tables while traffic runs, after the runs, or null.</summary>
    public ChurnRunner? Churn { get; init; }

    /// <summary>Measure the stages of the packet path after the runs, or null.</summary>
    public StageRunner? Stages { get; init; }

    /// <summary>Measure the time of each batch after the runs, or null.</summary>
    public BatchLatencyRunner? BatchLatency { get; init; }

    /// <summary>Another switch, measured before each run of ours, or null.</summary>
    public IPeer? Peer { get; init; }

    /// <summary>See <see cref="DatapathOptions.SubtableLimit"/>; 0 = no limit.</summary>
    public int SubtableLimit { get; init; } = new DatapathOptions { Ports = [] }.SubtableLimit;

    /// <summary>Most connections.</summary>
    public int ConnectionCapacity { get; init; } = 262_144;

    /// <summary>Most megaflows of each packet thread.</summary>
    public int FlowLimit { get; init; } = new DatapathOptions { Ports = [] }.MegaflowCapacity;

    /// <summary>Most rules of the soft device.</summary>
    public int MergedCapacity { get; init; } = new DatapathOptions { Ports = [] }.MergedCapacity;
}
