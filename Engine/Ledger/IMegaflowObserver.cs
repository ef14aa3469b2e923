namespace Mergeflow.Engine.Ledger;

/// <summary>Told about every megaflow that is gone or has another program. Called on the thread that made the change; must not block.</summary>
public interface IMegaflowObserver
{
    /// <summary>The megaflow in slot <paramref name="megaflowId"/> was deleted; its generation has moved already.</summary>
    void OnMegaflowDeleted(int megaflowId);

    /// <summary>From now on any megaflow of the thread may contradict the tables, until <see cref="OnDoubtOver"/>: no packet of later batches may use a rule that was merged of them, if the device can be kept from it.</summary>
    void OnDoubt();

    /// <summary>Those that did are deleted.</summary>
    void OnDoubtOver();
}
