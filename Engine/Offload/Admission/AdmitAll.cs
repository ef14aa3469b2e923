namespace Mergeflow.Engine.Offload;

/// <summary>Every rule is admitted; when the table is full, the least recently used of a sample goes (as Redis does it: no list to maintain).</summary>
/// <param name="minIdleMs">A rule that was used more recently is never a victim: two busy flows must not evict each other in turn.</param>
/// <param name="sampleCount">Rules looked at per eviction.</param>
public sealed class AdmitAll(int minIdleMs = 100, int sampleCount = 16) : IAdmissionPolicy
{
    private int _next;

    /// <inheritdoc/>
    public string Name => RecordAfterPackets == 1 ? "always" : $"after-{RecordAfterPackets}";

    /// <inheritdoc/>
    public int RecordAfterPackets { get; init; } = 1;

    /// <inheritdoc/>
    public bool ShouldAdmit(MergedFlow rule, int ruleCount, int capacity) => true;

    /// <inheritdoc/>
    public MergedFlow? ChooseVictim(IReadOnlyList<MergedFlow> rules, MergedFlow newcomer, long nowMs)
    {
        MergedFlow? victim = null;
        int count = Math.Min(sampleCount, rules.Count);
        for (int i = 0; i < count; i++)
        {
            if (_next >= rules.Count) _next = 0;
            MergedFlow r = rules[_next++];
            if (r.State != MergedFlowState.Active || r.Table != newcomer.Table || ReferenceEquals(r, newcomer)) continue;
            if (nowMs - LastNeeded(r) < minIdleMs) continue;
            if (victim is null || LastNeeded(r) < LastNeeded(victim)) victim = r;
        }

        return victim;
    }

    private static long LastNeeded(MergedFlow rule) => Math.Max(rule.LastUsedMs, rule.Timeline.ActiveAtMs);
}
