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

    /// <summary>Meter lines are applied in order.</summary>
    MeterMods,

    /// <summary>Connections are flushed, of one zone or of all.</summary>
    CtFlush,

    /// <summary>Connection limits are set, each line as an argument of OVS <c>dpctl/ct-set-limits</c>: <c>default=N</c> or <c>zone=Z,limit=N</c>.</summary>
    CtSetLimits,

    /// <summary>Zones lose their limits, each line as an argument of OVS <c>dpctl/ct-del-limits</c>: <c>zone=Z[,Z..]</c>.</summary>
    CtDelLimits,

    /// <summary>A port's link goes down.</summary>
    PortDown,

    /// <summary>A port comes back.</summary>
    PortUp,

    /// <summary>A port goes; what <c>normal</c> has learned of it is forgotten.</summary>
    PortDelete,

    /// <summary>A port is there again, and up.</summary>
    PortAdd,

    /// <summary>All megaflows are deleted, as <c>ovs-appctl revalidator/purge</c> does.</summary>
    Purge,

    /// <summary>Only the clock moves.</summary>
    Tick,
}
