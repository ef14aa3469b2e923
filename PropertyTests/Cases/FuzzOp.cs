namespace Mergeflow.PropertyTests;

/// <summary>Kinds of input events.</summary>
internal enum FuzzOp
{
    Packet,
    FlowMods,
    GroupMod,

    /// <summary>Meters change.</summary>
    MeterMods,
    FlushConntrack,
    Tick,
    PortDown,
    PortUp,
}
