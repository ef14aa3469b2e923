namespace Mergeflow.Engine.Runtime;

/// <summary>What a thread does that finds nothing to do: it looks again at once, then lets others have its processor in between, then sleeps until it is woken.</summary>
public sealed record IdleOptions
{
    /// <summary>Polls for ever, as Open vSwitch does unless told otherwise (<c>pmd-sleep-max=0</c>).</summary>
    public static IdleOptions NeverSleeps { get; } = new() { Sleeps = false };

    /// <summary>Whether it ever sleeps.</summary>
    public bool Sleeps { get; init; } = true;

    /// <summary>Longest time for which it looks again at once, us. It adapts: longer after a sleep that was shorter than that, half as long after any other.</summary>
    public int MaxSpinUs { get; init; } = 50;

    /// <summary>
    /// Shortest such time, us. None: where packets are rare, whoever waits for what was just sent may be waiting for this processor, too.
    /// </summary>
    public int MinSpinUs { get; init; }

    /// <summary>Then, for how long it yields, us.</summary>
    public int YieldUs { get; init; } = 20;
}
