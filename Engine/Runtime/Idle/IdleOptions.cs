namespace Mergeflow.Engine.Runtime;

/// <summary>What a thread does that finds nothing to do: it looks again at once, then sleeps until it is woken. One that may not sleep lets others have its processor in between.</summary>
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

    /// <summary>
    /// Then, for how long it yields, us. Not at all: where others want the processor, a thread that yields is behind all of them, for milliseconds, while one that sleeps is back as soon as it is woken.
    /// </summary>
    public int YieldUs { get; init; }
}
