namespace Mergeflow.Engine.Offload;

/// <summary>
/// Predicts what a rule is worth, in cycles of the packet thread, and what it costs. Cycles per packet saved x packets per second x time that the
/// flow is expected to go on, against the install cost and the slots left.
/// </summary>
/// <remarks>
/// <code>
/// saved per packet = passes x PassCycles + ct visits x CtCycles + actions x ActionCycles - HitCycles
/// predicted        = saved per packet x rate x max(HorizonMs, age of the flow)
/// price            = InstallCycles x slots / slots left     (the last slots are for flows that are worth many installs)
/// full table       = InstallCycles for the newcomer and as much for the victim, and more than Hysteresis times what the victim is worth
/// </code>
/// A flow is expected to go on for as long as it has lasted (durations are heavy-tailed), at least for the horizon. The defaults are round figures of
/// the software path and of <c>mergeflow-perf offload-latency</c> on a Zen 3 core; only their proportions matter.
/// </remarks>
public sealed record SavedCycles
{
    /// <summary>One megaflow lookup and its bookkeeping.</summary>
    public double PassCycles { get; init; } = 45;

    /// <summary>One <c>ct</c> of an established connection.</summary>
    public double CtCycles { get; init; } = 60;

    /// <summary>One action of the merged program.</summary>
    public double ActionCycles { get; init; } = 5;

    /// <summary>What a hit costs the packet thread all the same: the soft device's probe; 0 with a NIC.</summary>
    public double HitCycles { get; init; } = 60;

    /// <summary>Merge, install and later removal.</summary>
    public double InstallCycles { get; init; } = 15_000;

    /// <summary>Least time that a flow is expected to go on, ms.</summary>
    public long HorizonMs { get; init; } = 1000;

    /// <summary>How many times its victim's worth a newcomer must be worth.</summary>
    public double Hysteresis { get; init; } = 2;

    /// <summary>Cycles that a hit saves; negative if software is cheaper.</summary>
    /// <param name="passes">Passes of the trace, repeated megaflows counted.</param>
    /// <param name="ctVisits">Times that a packet goes through <c>ct</c>.</param>
    /// <param name="actions">Actions of the merged program.</param>
    public double PerPacket(int passes, int ctVisits, int actions)
        => (passes * PassCycles) + (ctVisits * CtCycles) + (actions * ActionCycles) - HitCycles;

    /// <summary>Cycles that the rule will have saved by the flow's expected end.</summary>
    public double Predicted(double perPacket, double packetsPerSecond, long ageMs) => perPacket * packetsPerSecond * Math.Max(HorizonMs, ageMs) / 1000;

    /// <summary>The same for a rule, by what is known now.</summary>
    public double Predicted(MergedFlow rule, long nowMs)
    {
        int ctVisits = 0;
        foreach (ref readonly MergedConn c in rule.Conns.AsSpan()) ctVisits += c.Multiplicity;
        return Predicted(PerPacket(rule.PassCount, ctVisits, rule.Program.Length), rule.Rate.PacketsPerSecond, nowMs - rule.Rate.FirstSeenMs);
    }

    /// <summary>Least prediction at which a rule gets one of the slots left.</summary>
    public double Price(int ruleCount, int capacity) => ruleCount >= capacity ? 2 * InstallCycles : InstallCycles * capacity / (capacity - ruleCount);

    /// <summary>Whether a newcomer may take the place of a rule.</summary>
    public bool Beats(double newcomer, double victim) => newcomer > Hysteresis * victim;
}
