namespace Mergeflow.PropertyTests;

/// <summary>Books that say of everything that it has not moved.</summary>
internal sealed class TrustingLedger(IConnLedger conns) : IConnLedger
{
    public uint GenerationOf(int connId) => conns.GenerationOf(connId);

    public bool IsOffloadable(int connId, uint generation) => true;

    public void MarkOffloaded(int connId) => conns.MarkOffloaded(connId);

    public void UnmarkOffloaded(int connId) => conns.UnmarkOffloaded(connId);

    public void Credit(int connId, uint generation, bool reply, ulong packets, ulong bytes, long lastUsedMs)
        => conns.Credit(connId, conns.GenerationOf(connId), reply, packets, bytes, lastUsedMs);
}
