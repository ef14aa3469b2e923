namespace Mergeflow.Engine.OpenFlow;

/// <summary>Flags of a flow modification (OVS <c>OFPUTIL_FF_*</c>).</summary>
[Flags]
public enum FlowModFlags : byte
{
    None = 0,
    SendFlowRemoved = 1,
    CheckOverlap = 2,

    /// <summary>A modify, or an add that replaces, sets the rule's counters to zero.</summary>
    ResetCounts = 4,
    NoPacketCounts = 8,
    NoByteCounts = 16,
}
