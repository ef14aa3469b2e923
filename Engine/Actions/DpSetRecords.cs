using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of Ethernet addresses; bits outside the masks are kept.</summary>
public struct DpSetEth
{
    public EthAddress Dst;
    public EthAddress Src;
    public EthAddress DstMask;
    public EthAddress SrcMask;
}

/// <summary>Masked rewrite of the outer TCI.</summary>
public struct DpSetVlan
{
    public Be16 Tci;
    public Be16 TciMask;
}

/// <summary>Masked rewrite of the outermost MPLS label stack entry.</summary>
public struct DpSetMpls
{
    public Be32 Lse;
    public Be32 LseMask;
}

/// <summary>Masked rewrite of ARP fields (OVS <c>struct ovs_key_arp</c>): of the operation the frame has sixteen bits, the flow key eight.</summary>
public struct DpSetArp
{
    public Be32 Spa;
    public Be32 Tpa;
    public Be32 SpaMask;
    public Be32 TpaMask;
    public EthAddress Sha;
    public EthAddress Tha;
    public EthAddress ShaMask;
    public EthAddress ThaMask;
    public Be16 Op;
    public Be16 OpMask;
}

/// <summary>Masked rewrite of IPv4 fields.</summary>
public struct DpSetIpv4
{
    public Be32 Src;
    public Be32 Dst;
    public Be32 SrcMask;
    public Be32 DstMask;
    public byte Tos;
    public byte Ttl;
    public byte TosMask;
    public byte TtlMask;
}

/// <summary>Masked rewrite of IPv6 addresses.</summary>
public struct DpSetIpv6Addr
{
    public Ipv6Address Src;
    public Ipv6Address Dst;
    public Ipv6Address SrcMask;
    public Ipv6Address DstMask;
}

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

/// <summary>Masked rewrite of neighbour discovery fields.</summary>
public struct DpSetNd
{
    public Ipv6Address Target;
    public Ipv6Address TargetMask;
    public EthAddress Sll;
    public EthAddress Tll;
    public EthAddress SllMask;
    public EthAddress TllMask;
}

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

/// <summary>Tunnel metadata for a later encapsulation.</summary>
public struct DpSetTunnel
{
    public Be64 Id;
    public Be32 Src;
    public Be32 Dst;
    public Ipv6Address Ipv6Src;
    public Ipv6Address Ipv6Dst;
    public Be16 Flags;
    public byte Tos;
    public byte Ttl;

    /// <summary>UDP port of the peer; 0 = none.</summary>
    public Be16 DestinationPort;
}

/// <summary>Masked rewrite of pkt_mark; host order.</summary>
public struct DpSetPktMark
{
    public uint Mark;
    public uint MarkMask;
}
