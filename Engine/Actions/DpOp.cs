namespace Mergeflow.Engine.Actions;

/// <summary>Datapath action opcodes (OVS <c>OVS_ACTION_ATTR_*</c>).</summary>
public enum DpOp : byte
{
    /// <summary>Transmit the packet as it is now on <see cref="DpAction.Port"/>.</summary>
    Output,

    /// <summary>Masked rewrite of Ethernet addresses: <see cref="DpAction.Eth"/>.</summary>
    SetEth,

    /// <summary>Masked rewrite of the outer VLAN TCI: <see cref="DpAction.Vlan"/>.</summary>
    SetVlan,

    /// <summary>Masked rewrite of IPv4 src, dst, tos, ttl with checksums: <see cref="DpAction.Ipv4"/>.</summary>
    SetIpv4,

    /// <summary>Masked rewrite of IPv6 src, dst: <see cref="DpAction.Ipv6"/>.</summary>
    SetIpv6Addr,

    /// <summary>Masked rewrite of IPv6 label, traffic class, hop limit: <see cref="DpAction.Ipv6Misc"/>.</summary>
    SetIpv6Misc,

    /// <summary>Masked rewrite of TCP/UDP/SCTP ports, or ICMP type and code: <see cref="DpAction.L4"/>.</summary>
    SetL4,

    /// <summary>Masked rewrite of ARP op, spa, tpa, sha, tha: <see cref="DpAction.Arp"/>.</summary>
    SetArp,

    /// <summary>Masked rewrite of ND target, sll, tll: <see cref="DpAction.Nd"/>.</summary>
    SetNd,

    /// <summary>Masked rewrite of the outermost MPLS label stack entry: <see cref="DpAction.Mpls"/>.</summary>
    SetMpls,

    /// <summary>Masked rewrite of pkt_mark.</summary>
    SetPktMark,

    /// <summary>Writes tunnel metadata for a later encapsulating output.</summary>
    SetTunnel,

    PushVlan,
    PopVlan,
    PushMpls,
    PopMpls,

    /// <summary>Connection tracking: <see cref="DpAction.Ct"/>.</summary>
    Ct,
    CtClear,

    /// <summary>Computes dp_hash over the 5-tuple: <see cref="DpAction.Hash"/>.</summary>
    Hash,

    /// <summary>Sends the packet through the megaflow tables again with <see cref="DpAction.RecircId"/>.</summary>
    Recirc,

    /// <summary>The next <see cref="DpAction.NestedCount"/> records work on a copy of the packet.</summary>
    Clone,

    /// <summary>Like Clone, taken with a probability.</summary>
    Sample,

    /// <summary>Cuts the next output to <see cref="DpAction.LengthBytes"/>.</summary>
    Truncate,
    Meter,

    /// <summary>
    /// If the packet is larger than <see cref="DpAction.LengthBytes"/>, run the next <see cref="DpAction.NestedCount"/> records,
    /// else the <see cref="DpAction.ElseCount"/> records behind them.
    /// </summary>
    CheckPktLen,

    /// <summary>To the controller or slow path.</summary>
    Userspace,

    /// <summary>Decapsulate and recirculate on tunnel port <see cref="DpAction.Port"/>.</summary>
    TnlPop,

    /// <summary>Encapsulate with <see cref="DpAction.Push"/>, counted for <see cref="DpAction.CountedPort"/>.</summary>
    TnlPush,

    /// <summary>Drop (an empty list means the same).</summary>
    Drop,

    /// <summary>Puts <see cref="DpAction.MplsLse"/> in front of the whole packet, which has no Ethernet header then.</summary>
    AddMpls,

    /// <summary>Puts an Ethernet header in front of a packet without one: the addresses of <see cref="DpAction.Eth"/>.</summary>
    PushEth,

    /// <summary>Takes the Ethernet header off.</summary>
    PopEth,

    /// <summary>The packet leaves by queue <see cref="DpAction.Port"/> from now on (OVS <c>set(skb_priority)</c>).</summary>
    SetPriority,
}
