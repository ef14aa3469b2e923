using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of the two L4 port fields, as they stand in the flow key; for ICMP they are type and code.</summary>
public struct DpSetL4
{
    public Be16 Src;
    public Be16 Dst;
    public Be16 SrcMask;
    public Be16 DstMask;

    /// <summary>The protocol the translation saw (<see cref="IpProto"/>).</summary>
    public byte Proto;
}
