namespace Mergeflow.Engine.Offload;

/// <summary>Traces that were refused lately, by trace hash, so that the next one alike is refused without merging it again. Direct-mapped.</summary>
internal sealed class RefusedTraces
{
    private struct Slot
    {
        public ulong Hash;
        public long UntilMs;
        public MergeRefusal Refusal;
    }

    private readonly Slot[] _slots = new Slot[1024];

    /// <summary>Remembers a refusal for a while.</summary>
    public void Add(ulong hash, MergeRefusal refusal, long untilMs)
        => _slots[(hash >> 1) & (ulong)(_slots.Length - 1)] = new Slot { Hash = hash, UntilMs = untilMs, Refusal = refusal };

    /// <summary>Finds one that is still good.</summary>
    public bool TryGet(ulong hash, long nowMs, out MergeRefusal refusal)
    {
        ref Slot s = ref _slots[(hash >> 1) & (ulong)(_slots.Length - 1)];
        refusal = s.Refusal;
        return s.Hash == hash && nowMs < s.UntilMs;
    }
}
