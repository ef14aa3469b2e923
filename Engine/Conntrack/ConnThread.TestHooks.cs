namespace Mergeflow.Engine.Conntrack;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class ConnThread
{
    /// <inheritdoc cref="ConnTracker.HeldFragments"/>
    public int HeldFragments => _defragmenter.Held;

    /// <inheritdoc cref="ConnTracker.FragmentsEvicted"/>
    public long FragmentsEvicted => _defragmenter.Evicted;

    /// <inheritdoc cref="ConnTracker.DatagramsReassembled"/>
    public long DatagramsReassembled => _defragmenter.Reassembled;

    /// <inheritdoc cref="ConnLock.IsKept"/>
    internal bool IsKept(int id) => _lock.IsKept(id);
}
