namespace Mergeflow.PropertyTests;

/// <summary>Kinds of input events.</summary>
internal enum FuzzOp
{
    Packet,
    FlowMods,
    GroupMod,
    FlushConntrack,
    Tick,
    PortDown,
    PortUp,
}
