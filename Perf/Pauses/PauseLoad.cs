namespace Mergeflow.Perf;

/// <summary>What control does while packets run.</summary>
public enum PauseLoad
{
    /// <summary>Nothing.</summary>
    Idle,

    /// <summary>Adds and deletes rules, 10,000 changes a second.</summary>
    Rules,

    /// <summary>Dumps megaflows and connections without a break.</summary>
    Dumps,

    /// <summary>Every packet is of a flow that is not known: upcalls at full rate. Megaflows are purged ten times a second, else all would be known.</summary>
    Upcalls,

    /// <summary>100,000 rules are added as one order, and deleted as one, over and over.</summary>
    Bundles,
}
