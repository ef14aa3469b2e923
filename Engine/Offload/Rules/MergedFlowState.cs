namespace Mergeflow.Engine.Offload;

/// <summary>Life of a merged rule. <see cref="MergedFlow.MoveTo"/> allows only the edges of design section 7.</summary>
public enum MergedFlowState : byte
{
    /// <summary>A packet is collecting the trace.</summary>
    Recording,

    /// <summary>The trace waits for the offload thread.</summary>
    Queued,
    Merging,

    /// <summary>Linked on every dependency; the provider has been asked.</summary>
    Installing,
    Active,

    /// <summary>Being removed; its counters have not been harvested yet.</summary>
    Dying,

    /// <summary>Removed, final counters credited.</summary>
    Dead,

    /// <summary>Never became a rule: see <see cref="MergedFlow.Reason"/>.</summary>
    Rejected,
}
