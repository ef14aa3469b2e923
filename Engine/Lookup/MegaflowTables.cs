using Mergeflow.Engine.Ledger;

namespace Mergeflow.Engine.Lookup;

/// <summary>The megaflow tables of several packet threads as one, by <see cref="MegaflowId"/>: what the offload side looks at and books on.</summary>
/// <param name="tables">By the index of the thread.</param>
public sealed class MegaflowTables(IReadOnlyList<MegaflowTable> tables) : IMegaflowSource, IMegaflowLedger
{
    private readonly MegaflowTable[] _tables = [.. tables];

    /// <inheritdoc/>
    public Megaflow? Find(int id) => TableOf(id).Find(MegaflowId.SlotOf(id));

    /// <inheritdoc/>
    public void Credit(int megaflowId, uint generation, ulong packets, ulong bytes, long lastUsedMs)
        => TableOf(megaflowId).Credit(MegaflowId.SlotOf(megaflowId), generation, packets, bytes, lastUsedMs);

    /// <inheritdoc/>
    public bool TryRetain(int megaflowId, uint generation) => TableOf(megaflowId).TryRetain(MegaflowId.SlotOf(megaflowId), generation);

    /// <inheritdoc/>
    public void Release(int megaflowId, uint generation) => TableOf(megaflowId).Release(MegaflowId.SlotOf(megaflowId), generation);

    /// <inheritdoc/>
    public bool IsCurrent(int megaflowId, uint generation) => TableOf(megaflowId).IsCurrent(MegaflowId.SlotOf(megaflowId), generation);

    private MegaflowTable TableOf(int id) => _tables[MegaflowId.PmdOf(id)];
}
