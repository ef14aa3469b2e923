namespace Mergeflow.Engine.Offload;

/// <summary>How busy a flow is: what was seen of it before it had a rule, then a moving average of what the rule counts.</summary>
public struct MergedRate
{
    /// <summary>Shorter stretches are not averaged over.</summary>
    public const int WindowMs = 100;

    private ulong _packets;
    private long _sinceMs;

    /// <summary>Packets per second; 0 = not known yet.</summary>
    public double PacketsPerSecond { get; private set; }

    /// <summary>When the flow was first seen, ms.</summary>
    public long FirstSeenMs { get; private set; }

    /// <summary>A flow of which <paramref name="packets"/> were seen in the last <paramref name="ageMs"/> ms; one packet says nothing about its rate.</summary>
    public static MergedRate Of(int packets, long ageMs, long nowMs) => new()
    {
        PacketsPerSecond = packets < 2 ? 0 : (packets - 1) * 1000.0 / Math.Max(1, ageMs),
        FirstSeenMs = nowMs - ageMs,
        _sinceMs = nowMs,
    };

    /// <summary>The rule has counted <paramref name="packets"/> in all. Half of the average is the latest window.</summary>
    public void Update(ulong packets, long nowMs)
    {
        long elapsedMs = nowMs - _sinceMs;
        if (elapsedMs < WindowMs) return;
        double latest = (packets - _packets) * 1000.0 / elapsedMs;
        PacketsPerSecond = PacketsPerSecond == 0 ? latest : (PacketsPerSecond + latest) / 2;
        (_packets, _sinceMs) = (packets, nowMs);
    }
}
