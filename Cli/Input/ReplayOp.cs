namespace Mergeflow.Cli;

/// <summary>What a replay event does.</summary>
public enum ReplayOp
{
    /// <summary>A frame arrives on a port.</summary>
    Packet,

    /// <summary>Flow lines are applied in order.</summary>
    FlowMods,

    /// <summary>One group is added or replaced.</summary>
    GroupMod,

    /// <summary>Connections are flushed, of one zone or of all.</summary>
    CtFlush,

    /// <summary>A port goes away.</summary>
    PortDown,

    /// <summary>A port comes back.</summary>
    PortUp,

    /// <summary>Only the clock moves.</summary>
    Tick,
}
