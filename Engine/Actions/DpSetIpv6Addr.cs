using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of IPv6 addresses.</summary>
public struct DpSetIpv6Addr
{
    public Ipv6Address Src;
    public Ipv6Address Dst;
    public Ipv6Address SrcMask;
    public Ipv6Address DstMask;
}
