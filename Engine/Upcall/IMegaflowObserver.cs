namespace Mergeflow.Engine;

/// <summary>Told when megaflows go or change, on the thread that owns them.</summary>
public interface IMegaflowObserver
{
    /// <summary>The megaflow is about to be deleted; its slot, generation and counters are still valid during the call.</summary>
    void OnMegaflowDeleted(Megaflow megaflow);

    /// <summary>The megaflow's program was replaced and its generation moved.</summary>
    void OnMegaflowChanged(Megaflow megaflow);
}
