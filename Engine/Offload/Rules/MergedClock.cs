using System.Diagnostics;

namespace Mergeflow.Engine.Offload;

/// <summary>When the steps of a rule's life were done on the host's clock, ticks of <see cref="Stopwatch"/>; 0 = never.</summary>
public struct MergedClock
{
    /// <summary>The packet thread handed the trace over.</summary>
    public long QueuedTicks;

    /// <summary>The offload thread took it up.</summary>
    public long BegunTicks;

    /// <summary>It was merged.</summary>
    public long MergedTicks;

    /// <summary>The device had confirmed the rule.</summary>
    public long ConfirmedTicks;

    /// <summary>The rule was revoked.</summary>
    public long RevokedTicks;

    /// <summary>The device had confirmed that it is gone, and its last counters were booked.</summary>
    public long GoneTicks;

    /// <summary>Time between two of them in us; null if one never was.</summary>
    public static double? Microseconds(long fromTicks, long toTicks)
        => fromTicks == 0 || toTicks == 0 ? null : (toTicks - fromTicks) * 1e6 / Stopwatch.Frequency;
}
