namespace Mergeflow.Nic;


/// <summary>Which of the two tables a rule goes to. Their rules never overlap with different results, so neither has priorities.</summary>
public enum FlowTable : byte
{
    /// <summary>Value/mask rows, searched after the exact-match table.</summary>
    Wildcard,

    /// <summary>A hash table per distinct mask (template); the number of masks is bounded by the profile.</summary>
    ExactMatch,
}
