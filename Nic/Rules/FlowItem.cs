namespace Mergeflow.Nic;

/// <summary>One header of a pattern (DPDK <c>struct rte_flow_item</c>).</summary>
public abstract record FlowItem
{
    /// <summary>The name in testpmd and in profiles, e.g. <c>ipv4</c>.</summary>
    public abstract string Name { get; }
}

/// <summary>Ethernet header (<c>RTE_FLOW_ITEM_TYPE_ETH</c>).</summary>
public sealed record FlowItemEth : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "eth";

    /// <summary>Destination, 48 bits.</summary>
    public Masked<ulong> Dst { get; init; }

    /// <summary>Source, 48 bits.</summary>
    public Masked<ulong> Src { get; init; }

    /// <summary>Type behind the VLAN tags that the device parses (not the TPID); the inner type of an LLC/SNAP frame with OUI 0, 0x05ff for any other 802.3 frame.</summary>
    public Masked<ushort> Type { get; init; }

    /// <summary>Whether there is a tag; null = do not care.</summary>
    public bool? HasVlan { get; init; }

    /// <summary>Whether there is a second tag; null = do not care. rte_flow says it of the outer tag only (<see cref="FlowItemVlan.HasMoreVlan"/>), so not of frames that may have a tag or none.</summary>
    public bool? HasMoreVlan { get; init; }
}

/// <summary>VLAN tag, outermost first, at most two (<c>RTE_FLOW_ITEM_TYPE_VLAN</c>).</summary>
public sealed record FlowItemVlan : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "vlan";

    /// <summary>0x8100 or 0x88a8.</summary>
    public Masked<ushort> Tpid { get; init; }

    /// <summary>Priority, DEI and VLAN id, as they are on the wire.</summary>
    public Masked<ushort> Tci { get; init; }

    /// <summary>Whether a second tag follows; null = do not care. First tag only.</summary>
    public bool? HasMoreVlan { get; init; }
}

/// <summary>MPLS label stack entry, outermost first, at most three (<c>RTE_FLOW_ITEM_TYPE_MPLS</c>).</summary>
public sealed record FlowItemMpls : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "mpls";

    /// <summary>Label, traffic class, bottom of stack, TTL.</summary>
    public Masked<uint> Lse { get; init; }
}

/// <summary>IPv4 header whose lengths are sane (<c>RTE_FLOW_ITEM_TYPE_IPV4</c>).</summary>
public sealed record FlowItemIpv4 : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "ipv4";

    /// <summary>Source.</summary>
    public Masked<uint> Src { get; init; }

    /// <summary>Destination.</summary>
    public Masked<uint> Dst { get; init; }

    /// <summary>Protocol.</summary>
    public Masked<byte> Proto { get; init; }

    /// <summary>DSCP and ECN.</summary>
    public Masked<byte> Tos { get; init; }

    /// <summary>Time to live.</summary>
    public Masked<byte> Ttl { get; init; }

    /// <summary>Two bits: 1 = any fragment, 2 = not the first one. 0/3 = not fragmented.</summary>
    public Masked<byte> Frag { get; init; }
}

/// <summary>IPv6 header without extension headers, whose length is sane (<c>RTE_FLOW_ITEM_TYPE_IPV6</c>): a packet with extension headers never matches.</summary>
public sealed record FlowItemIpv6 : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "ipv6";

    /// <summary>Source.</summary>
    public Masked<UInt128> Src { get; init; }

    /// <summary>Destination.</summary>
    public Masked<UInt128> Dst { get; init; }

    /// <summary>Next header.</summary>
    public Masked<byte> Proto { get; init; }

    /// <summary>Traffic class.</summary>
    public Masked<byte> Tos { get; init; }

    /// <summary>Hop limit.</summary>
    public Masked<byte> Ttl { get; init; }

    /// <summary>Flow label, 20 bits.</summary>
    public Masked<uint> FlowLabel { get; init; }
}

/// <summary>Whole TCP header (<c>RTE_FLOW_ITEM_TYPE_TCP</c>): a later fragment or a cut header never matches.</summary>
public sealed record FlowItemTcp : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "tcp";

    /// <summary>Source port.</summary>
    public Masked<ushort> Src { get; init; }

    /// <summary>Destination port.</summary>
    public Masked<ushort> Dst { get; init; }

    /// <summary>The low 12 bits: NS .. FIN.</summary>
    public Masked<ushort> Flags { get; init; }
}

/// <summary>Whole UDP header (<c>RTE_FLOW_ITEM_TYPE_UDP</c>).</summary>
public sealed record FlowItemUdp : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "udp";

    /// <summary>Source port.</summary>
    public Masked<ushort> Src { get; init; }

    /// <summary>Destination port.</summary>
    public Masked<ushort> Dst { get; init; }
}

/// <summary>ICMP header of at least 8 bytes over IPv4 (<c>RTE_FLOW_ITEM_TYPE_ICMP</c>).</summary>
public sealed record FlowItemIcmp : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "icmp";

    /// <summary>Type.</summary>
    public Masked<byte> Type { get; init; }

    /// <summary>Code.</summary>
    public Masked<byte> Code { get; init; }
}

/// <summary>ICMPv6 header of at least 8 bytes (<c>RTE_FLOW_ITEM_TYPE_ICMP6</c>).</summary>
public sealed record FlowItemIcmp6 : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "icmp6";

    /// <summary>Type.</summary>
    public Masked<byte> Type { get; init; }

    /// <summary>Code.</summary>
    public Masked<byte> Code { get; init; }
}

/// <summary>Neighbour solicitation or advertisement behind an icmp6 item (<c>RTE_FLOW_ITEM_TYPE_ICMP6_ND_NS/NA</c> and its options), RFC 4861.</summary>
public sealed record FlowItemNd : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "icmp6_nd";

    /// <summary>Target address.</summary>
    public Masked<UInt128> Target { get; init; }

    /// <summary>Source link-layer address option, 0 if absent.</summary>
    public Masked<ulong> Sll { get; init; }

    /// <summary>Target link-layer address option, 0 if absent.</summary>
    public Masked<ulong> Tll { get; init; }
}

/// <summary>ARP or RARP for Ethernet and IPv4 with an operation below 256 (<c>RTE_FLOW_ITEM_TYPE_ARP_ETH_IPV4</c>).</summary>
public sealed record FlowItemArp : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "arp_eth_ipv4";

    /// <summary>Operation.</summary>
    public Masked<ushort> Op { get; init; }

    /// <summary>Sender IPv4 address.</summary>
    public Masked<uint> Spa { get; init; }

    /// <summary>Target IPv4 address.</summary>
    public Masked<uint> Tpa { get; init; }

    /// <summary>Sender hardware address.</summary>
    public Masked<ulong> Sha { get; init; }

    /// <summary>Target hardware address.</summary>
    public Masked<ulong> Tha { get; init; }
}

/// <summary>
/// The frame came out of a tunnel (<c>struct rte_flow_tunnel</c>): a rule with this item is for what was inside a VXLAN, Geneve or GRE packet over IPv4, and all its other items mean that. First item only.
/// </summary>
public sealed record FlowItemTunnel : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "tunnel";

    /// <summary>Network identifier, 24 bits; key of GRE, 32 bits, 0 if there is none.</summary>
    public Masked<ulong> Id { get; init; }

    /// <summary>Outer source.</summary>
    public Masked<uint> Src { get; init; }

    /// <summary>Outer destination.</summary>
    public Masked<uint> Dst { get; init; }

    /// <summary>Outer DSCP and ECN.</summary>
    public Masked<byte> Tos { get; init; }

    /// <summary>Outer time to live.</summary>
    public Masked<byte> Ttl { get; init; }

    /// <summary>1 = Geneve OAM, 4 = there was a UDP checksum, 8 = there was an identifier.</summary>
    public Masked<ushort> Flags { get; init; }

    /// <summary>1 = the Geneve option that <see cref="FlowActionTunnelDecap"/> names was there.</summary>
    public Masked<byte> HasOption { get; init; }

    /// <summary>What was in that option, right-aligned; 0 if it was not there.</summary>
    public Masked<ulong> Option { get; init; }
}

/// <summary>What the checksum unit says (<c>RTE_FLOW_ITEM_TYPE_INTEGRITY</c>). A checksum that was not verified is not good.</summary>
public sealed record FlowItemIntegrity : FlowItem
{
    /// <inheritdoc/>
    public override string Name => "integrity";

    /// <summary>Requires a good IPv4 header checksum (IPv6 has none: always good).</summary>
    public bool Ipv4CsumOk { get; init; }

    /// <summary>Requires a good TCP, UDP, ICMP or ICMPv6 checksum. UDP over IPv4 without one is good; a fragment never is.</summary>
    public bool L4CsumOk { get; init; }
}
