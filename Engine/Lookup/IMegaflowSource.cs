namespace Mergeflow.Engine.Lookup;

/// <summary>Finds megaflows by id for the offload thread.</summary>
public interface IMegaflowSource
{
    /// <summary>
    /// The megaflow in slot <paramref name="id"/>, or null. The object and its program must stay readable until the offload poller's
    /// next step (epoch of the caller's runtime); whether it is still the right one is judged by its generation.
    /// </summary>
    Megaflow? Find(int id);
}
