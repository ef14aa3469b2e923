namespace Mergeflow.Engine.Ledger;

/// <summary>Told about every megaflow that is gone or has another program. Called on the thread that made the change; must not block.</summary>
public interface IMegaflowObserver
{
    /// <summary>The megaflow in slot <paramref name="megaflowId"/> was deleted; its generation has moved already.</summary>
    void OnMegaflowDeleted(int megaflowId);
}
