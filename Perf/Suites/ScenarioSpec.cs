namespace Mergeflow.Perf;

/// <summary>One row to measure.</summary>
/// <param name="Name">Row name, e.g. <c>s4_udp_10k_uni</c>, or a capture's file name.</param>
/// <param name="Make">Makes the workload; it may take a second.</param>
/// <param name="Settings">How to run it.</param>
public sealed record ScenarioSpec(string Name, Func<Workload> Make, BenchSettings Settings)
{
    /// <summary>A named workload. <c>_emc0</c> at the end switches the microflow caches off, <c>_sw</c> the receiver's checksum verdicts.</summary>
    /// <exception cref="PerfException">There is no such workload.</exception>
    public static ScenarioSpec Named(string name, BenchSettings settings)
    {
        ScenarioName parsed = ScenarioName.Parse(settings.HardwareChecksums || name.Contains(ScenarioName.SoftwareChecksums, StringComparison.Ordinal) ? name : name + ScenarioName.SoftwareChecksums);
        return new ScenarioSpec(parsed.Full + settings.FrameSize.Suffix + (settings.Pmds > 1 ? $"_pmd{settings.Pmds}{(settings.SharesDatapath ? "_shared" : "")}{(settings.DirectionsApart ? "_apart" : "")}" : ""), () => settings.FrameSize.Apply(WorkloadCache.Get(parsed.Workload)), settings with
        {
            CacheOn = settings.CacheOn && parsed.CacheOn,
            HardwareChecksums = settings.HardwareChecksums && parsed.HardwareChecksums,
            OneShot = parsed.OneShot,
        });
    }

    /// <summary>Name and mode for progress lines.</summary>
    public string Title => $"{Name} {Text(Settings.Offload)}{(Settings.CacheOn || Name.EndsWith(ScenarioName.CacheOff, StringComparison.Ordinal) ? "" : " cache=off")}";

    /// <summary>How long it will take, seconds: for the time left.</summary>
    public double PlannedSeconds
    {
        get
        {
            const double preparation = 0.5;
            const double onePass = 0.15;
            double runs = Settings.OneShot ? (Settings.Runs + 3) * onePass : Settings.Runs * Settings.Seconds;
            double stages = Settings.Stages is { } s ? 1.2 + (2 * s.Rounds * s.Seconds) : 0;
            double peer = Settings.Peer is null ? 0 : 10 + (Settings.Runs * (Settings.Seconds + 1));
            double batches = Settings is { BatchLatency: { } b, OneShot: false } ? b.Seconds + 1 : 0;
            return peer + batches + preparation + Math.Min(1.2, Settings.WarmupSeconds) + runs + stages + (Settings.Churn?.Seconds ?? 0) + (Settings.Ramp?.Seconds ?? 0);
        }
    }

    /// <summary>Mode as the command line spells it.</summary>
    public static string Text(OffloadMode mode) => mode.ToString().ToLowerInvariant();
}
