namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// What an OpenFlow rule has counted (OVS <c>struct dpif_flow_stats</c> of a <c>struct rule_dpif</c>). Apart from the rule, because it outlives its
/// object: a rule that takes over another's counters takes over this, so that what the old one still has coming arrives at the new one.
/// </summary>
public sealed class OfRuleStats(long lastUsedMs = 0)
{
    /// <summary>Packets that megaflows have pushed.</summary>
    public ulong Packets { get; private set; }

    /// <summary>Their bytes.</summary>
    public ulong Bytes { get; private set; }

    /// <summary>Time of the last of them, or of the rule's making, ms.</summary>
    public long LastUsedMs { get; private set; } = lastUsedMs;

    /// <summary>A packet has used the rule at that time; it is counted when its megaflow reports it.</summary>
    public void Use(long lastUsedMs) => LastUsedMs = Math.Max(LastUsedMs, lastUsedMs);

    /// <summary>Counts packets, the last of them at <paramref name="lastUsedMs"/>.</summary>
    public void Add(ulong packets, ulong bytes, long lastUsedMs)
    {
        Packets += packets;
        Bytes += bytes;
        Use(lastUsedMs);
    }
}
