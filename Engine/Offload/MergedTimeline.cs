namespace Mergeflow.Engine;

/// <summary>When a merged rule entered each state, ms of the runtime's clock; -1 = never.</summary>
public struct MergedTimeline
{
    public long RecordedAtMs;
    public long MergedAtMs;
    public long InstallingAtMs;
    public long ActiveAtMs;
    public long DyingAtMs;
    public long DeadAtMs;

    /// <summary>Nothing has happened yet.</summary>
    public static MergedTimeline Empty => new()
    {
        RecordedAtMs = -1,
        MergedAtMs = -1,
        InstallingAtMs = -1,
        ActiveAtMs = -1,
        DyingAtMs = -1,
        DeadAtMs = -1,
    };
}
