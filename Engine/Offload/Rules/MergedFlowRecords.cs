using System.Diagnostics;

namespace Mergeflow.Engine.Offload;

/// <summary>Life of a merged rule. <see cref="MergedFlow.MoveTo"/> allows only the edges of design section 7.</summary>
public enum MergedFlowState : byte
{
    /// <summary>A packet is collecting the trace.</summary>
    Recording,

    /// <summary>The trace waits for the offload thread.</summary>
    Queued,
    Merging,

    /// <summary>Linked on every dependency; the provider has been asked.</summary>
    Installing,
    Active,

    /// <summary>Being removed; its counters have not been harvested yet.</summary>
    Dying,

    /// <summary>Removed, final counters credited.</summary>
    Dead,

    /// <summary>Never became a rule: see <see cref="MergedFlow.Reason"/>.</summary>
    Rejected,
}

/// <summary>One distinct megaflow of a merged rule, and how a packet of the rule counts for it.</summary>
public struct MergedPass
{
    public int MegaflowId;

    /// <summary>Generation that the rule was merged from.</summary>
    public uint Generation;

    /// <summary>Times one packet visits the megaflow.</summary>
    public int Multiplicity;

    /// <summary>Sum over the visits of (length in that pass - original length), in bytes per packet.</summary>
    public int LengthDeltaBytes;
}

/// <summary>One distinct connection and direction of a merged rule, and how a packet of the rule counts for it.</summary>
public struct MergedConn
{
    public int ConnId;

    /// <summary>Generation that the rule was merged from.</summary>
    public uint Generation;

    public bool Reply;

    /// <summary>Times one packet passes <c>ct</c> with this connection.</summary>
    public int Multiplicity;

    /// <summary>Sum over the visits of (length at <c>ct</c> - original length), in bytes per packet.</summary>
    public int LengthDeltaBytes;
}

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

/// <summary>When a merged rule entered each state, ms of the runtime's clock; -1 = never.</summary>
public struct MergedTimeline
{
    public long RecordedAtMs;
    public long MergedAtMs;
    public long InstallingAtMs;
    public long ActiveAtMs;

    /// <summary>Latest time at which the first hit can have been: the last one when counters were first read.</summary>
    public long FirstHitAtMs;
    public long DyingAtMs;
    public long DeadAtMs;

    /// <summary>Nothing has happened yet.</summary>
    public static MergedTimeline Empty => new()
    {
        RecordedAtMs = -1,
        MergedAtMs = -1,
        InstallingAtMs = -1,
        ActiveAtMs = -1,
        FirstHitAtMs = -1,
        DyingAtMs = -1,
        DeadAtMs = -1,
    };
}

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
