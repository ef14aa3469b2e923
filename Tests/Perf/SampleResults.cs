using Mergeflow.Perf;

namespace Mergeflow.Tests;

/// <summary>Results made up for tests.</summary>
internal static class SampleResults
{
    /// <summary>A row with these cycles per packet, one per run.</summary>
    public static ScenarioResult Row(string name, params double[] cycles) => new()
    {
        Name = name,
        Offload = "soft",
        CacheOn = true,
        PacketsPerSecond = Spread.Of(cycles.Select(c => 2e9 / c)),
        NsPerPacket = Spread.Of(cycles.Select(c => c / 2)),
        CyclesPerPacket = Spread.Of(cycles),
        Tiers = new TierShares(0, 90, 9, 1, 0),
        PassesPerPacket = 0.2,
        SubtablesPerSearch = 1.5,
        TxPerRx = 1,
        AllocatedBytes = 0,
        Collections = 0,
        Megaflows = 7,
        Connections = 1000,
        OffloadedRules = 2000,
        HugePages = "explicit",
        Cpu = 1,
        Runs = [.. cycles.Select(c => new RunResult(1_000_000, 0.5, c, 1))],
        Reasons = [new ReasonCount("CtNotEstablished", 12, 720)],
    };

    /// <summary>A file with these rows.</summary>
    public static ResultsFile File(params ScenarioResult[] rows) => new()
    {
        Schema = ResultsFile.SchemaName,
        Version = ResultsFile.CurrentVersion,
        CreatedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Commit = "0123456789ab",
        Arguments = ["--scenario", "s4_udp_1k_uni"],
        Host = new HostInfo
        {
            CpuModel = "Sample <CPU> & co",
            CpuIdentity = "Vendor 1/2/3",
            Cpus = [0, 1],
            TscHz = 2e9,
            TscIsHardware = true,
            Kernel = "Unix 6.1",
            OperatingSystem = "Linux",
            IsVirtual = true,
            MemoryBytes = 1L << 34,
            HugePagesReserved = 64,
            TransparentHugePages = "madvise",
            LoadAverage = 0.25,
        },
        Runtime = RuntimeInfo.Probe(),
        Scenarios = rows,
        Notes = ["A note."],
        Warnings = [],
    };
}
