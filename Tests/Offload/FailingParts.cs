namespace Mergeflow.Tests;

/// <summary>Parts of the offload side of which one throws.</summary>
/// <param name="place">Which.</param>
/// <param name="nth">The first call that throws, 1 = the very first.</param>
/// <param name="times">How often it throws.</param>
internal sealed class FailingParts(FailingPlace place, int nth, int times)
{
    private int _calls;

    public OffloadParts Parts => new()
    {
        Merger = source => new Merger(this, new TraceMerger(source)),
        Megaflows = ledger => new Ledger(this, ledger),
        Provider = provider => new Provider(this, provider),
    };

    /// <summary>Whether it has thrown.</summary>
    public int Thrown { get; private set; }

    private void At(FailingPlace here)
    {
        if (here != place || ++_calls < nth || Thrown >= times) return;
        Thrown++;
        throw new InvalidOperationException($"injected in {here}");
    }

    private sealed class Merger(FailingParts owner, ITraceMerger inner) : ITraceMerger
    {
        public MergeRefusal Refusal => inner.Refusal;

        public bool TryMerge(Trace trace, MergedFlow rule)
        {
            owner.At(FailingPlace.Merge);
            return inner.TryMerge(trace, rule);
        }
    }

    private sealed class Ledger(FailingParts owner, IMegaflowLedger inner) : IMegaflowLedger
    {
        public void Credit(int megaflowId, uint generation, ulong packets, ulong bytes, long lastUsedMs)
        {
            owner.At(FailingPlace.Credit);
            inner.Credit(megaflowId, generation, packets, bytes, lastUsedMs);
        }

        public bool TryRetain(int megaflowId, uint generation) => inner.TryRetain(megaflowId, generation);

        public void Release(int megaflowId, uint generation) => inner.Release(megaflowId, generation);

        public bool IsCurrent(int megaflowId, uint generation)
        {
            owner.At(FailingPlace.Recheck);
            return inner.IsCurrent(megaflowId, generation);
        }
    }

    private sealed class Provider(FailingParts owner, IOffloadProvider inner) : IOffloadProvider
    {
        public string Name => inner.Name;

        public OffloadCapabilities Capabilities => inner.Capabilities;

        public RevocationGates? Gates => inner.Gates;

        public int RuleCount => inner.RuleCount;

        public OffloadReason Validate(MergedFlow rule, out string? detail) => inner.Validate(rule, out detail);

        public bool Create(MergedFlow rule, long nowMs)
        {
            // The device has the rule, and nobody has noted it.
            bool isAccepted = inner.Create(rule, nowMs);
            owner.At(FailingPlace.Create);
            return isAccepted;
        }

        public bool Destroy(MergedFlow rule, long nowMs)
        {
            owner.At(FailingPlace.Destroy);
            return inner.Destroy(rule, nowMs);
        }

        public bool Query(MergedFlow rule, long nowMs, out OffloadCounters counters)
        {
            owner.At(FailingPlace.Query);
            return inner.Query(rule, nowMs, out counters);
        }

        public int Poll(Span<OffloadCompletion> completions, long nowMs)
        {
            int count = inner.Poll(completions, nowMs);
            if (count > 0) owner.At(FailingPlace.Poll);
            return count;
        }

        public void Resync(long nowMs) => inner.Resync(nowMs);

        public void Drain(long nowMs, int limitMs) => inner.Drain(nowMs, limitMs);

        public void Suspend() => inner.Suspend();

        public void Resume() => inner.Resume();

        public void Dispose() => inner.Dispose();
    }
}
