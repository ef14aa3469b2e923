namespace Mergeflow.Engine.Ledger;

/// <summary>Told when a connection changes in a way that concerns merged rules. Called on the thread that made the change; must not block.</summary>
public interface IConnObserver
{
    /// <summary>The connection was removed, left the established state, or its mark or label changed; its generation has moved.</summary>
    void OnConnInvalidated(int connId, uint newGeneration);
}
