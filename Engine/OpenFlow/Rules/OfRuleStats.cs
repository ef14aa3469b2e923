namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// What an OpenFlow rule has counted (OVS <c>struct dpif_flow_stats</c> of a <c>struct rule_dpif</c>). Apart from the rule, because it outlives its
/// object: a rule that takes over another's counters takes over this, so that what the old one still has coming arrives at the new one.
/// </summary>
/// <param name="lastUsedMs">When the rule was made.</param>
/// <param name="isShared">Several threads count at the same time.</param>
public sealed class OfRuleStats(long lastUsedMs = 0, bool isShared = false)
{
    private ulong _packets;
    private ulong _bytes;
    private long _lastUsedMs = lastUsedMs;

    /// <summary>Packets that megaflows have pushed.</summary>
    public ulong Packets => Volatile.Read(ref _packets);

    /// <summary>Their bytes.</summary>
    public ulong Bytes => Volatile.Read(ref _bytes);

    /// <summary>Time of the last of them, or of the rule's making, ms.</summary>
    public long LastUsedMs => Volatile.Read(ref _lastUsedMs);

    /// <summary>Several threads count at the same time.</summary>
    internal bool IsShared => isShared;

    /// <summary>A packet has used the rule at that time; it is counted when its megaflow reports it.</summary>
    public void Use(long lastUsedMs)
    {
        if (!isShared)
        {
            _lastUsedMs = Math.Max(_lastUsedMs, lastUsedMs);
            return;
        }

        for (long seen = LastUsedMs; seen < lastUsedMs;)
        {
            long before = Interlocked.CompareExchange(ref _lastUsedMs, lastUsedMs, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    /// <summary>Counts packets, the last of them at <paramref name="lastUsedMs"/>.</summary>
    public void Add(ulong packets, ulong bytes, long lastUsedMs)
    {
        if (isShared)
        {
            Interlocked.Add(ref _packets, packets);
            Interlocked.Add(ref _bytes, bytes);
        }
        else
        {
            _packets += packets;
            _bytes += bytes;
        }

        Use(lastUsedMs);
    }
}
