namespace Mergeflow.Engine.Offload;

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
