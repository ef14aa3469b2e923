namespace Mergeflow.Engine.Ledger;

/// <summary>What the offload side needs from connection tracking.</summary>
public interface IConnLedger
{
    /// <summary>The connection's generation; any value the rule does not have if it is gone.</summary>
    uint GenerationOf(int connId);

    /// <summary>True while the connection is established as of this generation.</summary>
    bool IsOffloadable(int connId, uint generation);

    /// <summary>A rule uses the connection: its invalidation must be reported.</summary>
    void MarkOffloaded(int connId);

    /// <summary>No rule uses the connection any more.</summary>
    void UnmarkOffloaded(int connId);

    /// <summary>Books packets that a device forwarded, and refreshes the expiry as if the last one had been seen at <paramref name="lastUsedMs"/>.</summary>
    void Credit(int connId, uint generation, bool reply, ulong packets, ulong bytes, long lastUsedMs);
}
