namespace Mergeflow.PropertyTests;

/// <summary>A device that does not report the final counters of a rule.</summary>
internal sealed class ForgetfulProvider(IOffloadProvider inner) : IOffloadProvider
{
    public string Name => inner.Name;

    public OffloadCapabilities Capabilities => inner.Capabilities;

    public RevocationGates? Gates => inner.Gates;

    public int RuleCount => inner.RuleCount;

    public OffloadReason Validate(MergedFlow rule, out string? detail) => inner.Validate(rule, out detail);

    public bool Create(MergedFlow rule, long nowMs) => inner.Create(rule, nowMs);

    public bool Destroy(MergedFlow rule, long nowMs) => inner.Destroy(rule, nowMs);

    public bool Query(MergedFlow rule, long nowMs, out OffloadCounters counters) => inner.Query(rule, nowMs, out counters);

    public int Poll(Span<OffloadCompletion> completions, long nowMs)
    {
        int count = inner.Poll(completions, nowMs);
        foreach (ref OffloadCompletion c in completions[..count]) c = c with { Counters = default };
        return count;
    }

    public void Resync(long nowMs) => inner.Resync(nowMs);

    public void Drain(long nowMs, int limitMs) => inner.Drain(nowMs, limitMs);

    public void Suspend() => inner.Suspend();

    public void Resume() => inner.Resume();

    public void Dispose() => inner.Dispose();
}
