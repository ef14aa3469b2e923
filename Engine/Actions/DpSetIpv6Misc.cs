using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of IPv6 flow label, traffic class and hop limit.</summary>
public struct DpSetIpv6Misc
{
    public Be32 Label;
    public Be32 LabelMask;
    public byte TrafficClass;
    public byte HopLimit;
    public byte TrafficClassMask;
    public byte HopLimitMask;
}
