namespace Mergeflow.Tests;

/// <summary>A device in whose requests a test has a hand.</summary>
internal sealed class WatchedProvider(IOffloadProvider inner) : IOffloadProvider
{
    /// <summary>Is called before a rule is taken out.</summary>
    public Action<MergedFlow>? Destroying { get; set; }

    /// <summary>What is read instead of a rule's counters.</summary>
    public Func<OffloadCounters, OffloadCounters>? Reading { get; set; }

    public string Name => inner.Name;

    public OffloadCapabilities Capabilities => inner.Capabilities;

    public RevocationGates? Gates => inner.Gates;

    public int RuleCount => inner.RuleCount;

    public OffloadReason Validate(MergedFlow rule, out string? detail) => inner.Validate(rule, out detail);

    public bool Create(MergedFlow rule, long nowMs) => inner.Create(rule, nowMs);

    public bool Destroy(MergedFlow rule, long nowMs)
    {
        Destroying?.Invoke(rule);
        return inner.Destroy(rule, nowMs);
    }

    public bool Query(MergedFlow rule, long nowMs, out OffloadCounters counters)
    {
        bool known = inner.Query(rule, nowMs, out counters);
        if (known && Reading is { } reading) counters = reading(counters);
        return known;
    }

    public int Poll(Span<OffloadCompletion> completions, long nowMs) => inner.Poll(completions, nowMs);

    public void Resync(long nowMs) => inner.Resync(nowMs);

    public void Drain(long nowMs, int limitMs) => inner.Drain(nowMs, limitMs);

    public void Suspend() => inner.Suspend();

    public void Resume() => inner.Resume();

    public void Dispose() => inner.Dispose();
}
