namespace Mergeflow.Engine.Ledger;

/// <summary>
/// Where hardware packets are booked. Credits of one (id, generation) may arrive after the megaflow was deleted or changed, but only between
/// <see cref="TryRetain"/> and <see cref="Release"/>; they belong to the rules that this generation stood for.
/// </summary>
public interface IMegaflowLedger
{
    /// <summary>Books packets and bytes that merged rules handled in the megaflow's name.</summary>
    void Credit(int megaflowId, uint generation, ulong packets, ulong bytes, long lastUsedMs);

    /// <summary>
    /// A rule depends on this generation now: it must stay creditable. False if it is no longer current, then nothing is held.
    /// </summary>
    bool TryRetain(int megaflowId, uint generation);

    /// <summary>Undoes one <see cref="TryRetain"/>: no more credits from that rule.</summary>
    void Release(int megaflowId, uint generation);

    /// <summary>True if this generation is still the current one.</summary>
    bool IsCurrent(int megaflowId, uint generation);
}
