using System.Globalization;
using Mergeflow.Engine.Runtime;

namespace Mergeflow.Control.Bridges;

/// <summary>What <c>other_config</c> of <c>Open_vSwitch</c> says of packet threads and their queues, while they run (OVS <c>dpif_netdev_set_config</c>).</summary>
public sealed record PmdSettings
{
    private const int MaxBalanceMinutes = 20_000;
    private const int DefaultImprovementPercent = 25;
    private const int DefaultLoadPercent = 95;
    private const int MaxSleepLimitUs = 10_000;

    /// <summary><c>pmd-cpu-mask</c>: processors with a packet thread; null = one of each memory node.</summary>
    public CpuMask? Cpus { get; init; }

    /// <summary><c>pmd-rxq-assign</c>.</summary>
    public RxqAssign Assign { get; init; }

    /// <summary><c>pmd-rxq-isolate</c>: a thread with a pinned queue gets no others.</summary>
    public bool PinsIsolate { get; init; } = true;

    /// <summary><c>pmd-auto-lb</c>: queues are assigned anew when threads are overloaded.</summary>
    public bool Balances { get; init; }

    /// <summary><c>pmd-auto-lb-rebal-interval</c>: how often that is looked at, minutes.</summary>
    public int BalanceMinutes { get; init; } = 1;

    /// <summary><c>pmd-auto-lb-improvement-threshold</c>: how much smaller the variance of loads would have to be, percent.</summary>
    public int ImprovementPercent { get; init; } = DefaultImprovementPercent;

    /// <summary><c>pmd-auto-lb-load-threshold</c>: from what load on a thread is overloaded, percent.</summary>
    public int LoadPercent { get; init; } = DefaultLoadPercent;

    /// <summary><c>pmd-maxsleep</c>, us: it is said, no more; a thread that has nothing to do sleeps until it is woken.</summary>
    public int MaxSleepUs { get; init; }

    /// <summary>Reads them; what makes no sense is said and left at its default.</summary>
    public static PmdSettings Of(IReadOnlyDictionary<string, string> otherConfig, Action<string> warn)
    {
        string? mask = otherConfig.GetValueOrDefault("pmd-cpu-mask");
        CpuMask? cpus = CpuMask.Parse(mask);
        if (cpus is null && !string.IsNullOrEmpty(mask)) warn($"other_config:pmd-cpu-mask={mask}: expected hexadecimal digits");
        RxqAssign? assign = otherConfig.GetValueOrDefault("pmd-rxq-assign", "cycles") switch { "cycles" => RxqAssign.Cycles, "roundrobin" => RxqAssign.RoundRobin, "group" => RxqAssign.Group, _ => null };
        if (assign is null) warn("Unsupported rx queue to PMD assignment mode in pmd-rxq-assign. Defaulting to 'cycles'.");
        bool isolates = Flag("pmd-rxq-isolate", otherwise: true);
        if (!isolates && assign != RxqAssign.Group) warn("pmd-rxq-isolate can only be set false when using pmd-rxq-assign=group");
        return new PmdSettings
        {
            Cpus = cpus,
            Assign = assign ?? RxqAssign.Cycles,
            PinsIsolate = isolates || assign != RxqAssign.Group,
            Balances = Flag("pmd-auto-lb", otherwise: false),
            BalanceMinutes = Math.Max(1, Number("pmd-auto-lb-rebal-interval", MaxBalanceMinutes, 1)),
            ImprovementPercent = Number("pmd-auto-lb-improvement-threshold", 100, DefaultImprovementPercent),
            LoadPercent = Number("pmd-auto-lb-load-threshold", 100, DefaultLoadPercent),
            MaxSleepUs = (int)Math.Min(MaxSleepLimitUs, ulong.TryParse(otherConfig.GetValueOrDefault("pmd-maxsleep"), NumberStyles.None, CultureInfo.InvariantCulture, out ulong us) ? us : 0),
        };

        bool Flag(string name, bool otherwise) => otherConfig.GetValueOrDefault(name) switch { "true" => true, "false" => false, _ => otherwise };

        int Number(string name, int most, int otherwise) => int.TryParse(otherConfig.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n <= most ? n : otherwise;
    }
}
