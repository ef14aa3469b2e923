namespace Mergeflow.Nic;

/// <summary>One action of a rule (DPDK <c>struct rte_flow_action</c>).</summary>
public abstract record FlowAction
{
    /// <summary>The name in testpmd and in profiles, e.g. <c>set_ipv4_src</c>.</summary>
    public abstract string Name { get; }

    /// <summary>True if it writes only some bits of its field.</summary>
    public virtual bool IsPartial => false;
}

/// <summary>Sends the frame as it is now. May occur several times.</summary>
/// <param name="Port">Output port.</param>
public sealed record FlowActionPort(uint Port) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "port_id";
}

/// <summary>Drops the frame; must be the only fate.</summary>
public sealed record FlowActionDrop : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "drop";
}

/// <summary>Counts frames and bytes of the frame as received; without it a rule cannot be queried.</summary>
public sealed record FlowActionCount : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "count";
}

/// <summary>Runs other actions on a copy of the frame as it is now (<c>RTE_FLOW_ACTION_TYPE_SAMPLE</c> with ratio 1).</summary>
/// <param name="Actions">What is done with the copy; no nested sample.</param>
public sealed record FlowActionSample(IReadOnlyList<FlowAction> Actions) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "sample";
}

/// <summary>Writes the Ethernet source.</summary>
/// <param name="Mac">48 bits.</param>
public sealed record FlowActionSetMacSrc(Masked<ulong> Mac) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_mac_src";

    /// <inheritdoc/>
    public override bool IsPartial => (Mac.Mask & 0xffff_ffff_ffff) != 0xffff_ffff_ffff;
}

/// <summary>Writes the Ethernet destination.</summary>
/// <param name="Mac">48 bits.</param>
public sealed record FlowActionSetMacDst(Masked<ulong> Mac) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_mac_dst";

    /// <inheritdoc/>
    public override bool IsPartial => (Mac.Mask & 0xffff_ffff_ffff) != 0xffff_ffff_ffff;
}

/// <summary>Writes the IPv4 source and updates the header, TCP and UDP checksums incrementally (RFC 1624).</summary>
/// <param name="Addr">Address.</param>
public sealed record FlowActionSetIpv4Src(Masked<uint> Addr) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ipv4_src";

    /// <inheritdoc/>
    public override bool IsPartial => Addr.Mask != uint.MaxValue;
}

/// <summary>Writes the IPv4 destination and updates the header, TCP and UDP checksums incrementally (RFC 1624).</summary>
/// <param name="Addr">Address.</param>
public sealed record FlowActionSetIpv4Dst(Masked<uint> Addr) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ipv4_dst";

    /// <inheritdoc/>
    public override bool IsPartial => Addr.Mask != uint.MaxValue;
}

/// <summary>Writes the IPv6 source and updates the TCP, UDP and ICMPv6 checksums incrementally.</summary>
/// <param name="Addr">Address.</param>
public sealed record FlowActionSetIpv6Src(Masked<UInt128> Addr) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ipv6_src";

    /// <inheritdoc/>
    public override bool IsPartial => Addr.Mask != UInt128.MaxValue;
}

/// <summary>Writes the IPv6 destination and updates the TCP, UDP and ICMPv6 checksums incrementally.</summary>
/// <param name="Addr">Address.</param>
public sealed record FlowActionSetIpv6Dst(Masked<UInt128> Addr) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ipv6_dst";

    /// <inheritdoc/>
    public override bool IsPartial => Addr.Mask != UInt128.MaxValue;
}

/// <summary>Writes the TCP or UDP source port and updates the checksum incrementally.</summary>
/// <param name="Port">Port.</param>
public sealed record FlowActionSetTpSrc(Masked<ushort> Port) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_tp_src";

    /// <inheritdoc/>
    public override bool IsPartial => Port.Mask != ushort.MaxValue;
}

/// <summary>Writes the TCP or UDP destination port and updates the checksum incrementally.</summary>
/// <param name="Port">Port.</param>
public sealed record FlowActionSetTpDst(Masked<ushort> Port) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_tp_dst";

    /// <inheritdoc/>
    public override bool IsPartial => Port.Mask != ushort.MaxValue;
}

/// <summary>Writes the IPv4 TTL or the IPv6 hop limit.</summary>
/// <param name="Ttl">New value.</param>
public sealed record FlowActionSetTtl(byte Ttl) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_ttl";
}

/// <summary>Decrements the TTL or hop limit. A frame whose TTL would not stay above 0 does not match the rule: it goes to software.</summary>
public sealed record FlowActionDecTtl : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "dec_ttl";
}

/// <summary>Writes the IPv4 TOS byte or the IPv6 traffic class; mask 0xfc is DSCP only (<c>SET_IPV4_DSCP</c>).</summary>
/// <param name="Tos">DSCP and ECN.</param>
public sealed record FlowActionSetTos(Masked<byte> Tos) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_tos";

    /// <inheritdoc/>
    public override bool IsPartial => Tos.Mask is not (0xff or 0xfc);
}

/// <summary>Pushes a tag with TCI 0.</summary>
/// <param name="Tpid">0x8100 or 0x88a8.</param>
public sealed record FlowActionOfPushVlan(ushort Tpid) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_push_vlan";
}

/// <summary>Removes the outer tag.</summary>
public sealed record FlowActionOfPopVlan : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_pop_vlan";
}

/// <summary>Writes the outer TCI (<c>OF_SET_VLAN_VID</c> with mask 0x0fff, <c>OF_SET_VLAN_PCP</c> with mask 0xe000).</summary>
/// <param name="Tci">TCI as on the wire.</param>
public sealed record FlowActionOfSetVlanTci(Masked<ushort> Tci) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_set_vlan_tci";

    /// <inheritdoc/>
    public override bool IsPartial => (Tci.Mask | 0x1000) is not (0xffff or 0x1fff or 0xf000);
}

/// <summary>Pushes a label stack entry in front of the network header or the labels.</summary>
/// <param name="EthType">0x8847 or 0x8848.</param>
/// <param name="Lse">The entry.</param>
public sealed record FlowActionOfPushMpls(ushort EthType, uint Lse) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_push_mpls";
}

/// <summary>Removes the outer label stack entry.</summary>
/// <param name="EthType">Type of what is behind it.</param>
public sealed record FlowActionOfPopMpls(ushort EthType) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_pop_mpls";
}

/// <summary>Writes the outer label stack entry.</summary>
/// <param name="Lse">The entry.</param>
public sealed record FlowActionOfSetMpls(Masked<uint> Lse) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_set_mpls";

    /// <inheritdoc/>
    public override bool IsPartial => Lse.Mask != uint.MaxValue;
}

/// <summary>
/// Takes the outer headers off and looks again for a rule, with a <see cref="FlowItemTunnel"/>, for what was inside (<c>RTE_FLOW_ACTION_TYPE_RAW_DECAP</c> and <c>JUMP</c>). Without one the frame is software's, as it came.
/// Must be the only fate.
/// </summary>
/// <param name="Port">Port that what was inside came in by.</param>
/// <param name="Type">What the outer headers are.</param>
public sealed record FlowActionTunnelDecap(uint Port, FlowTunnelType Type) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "tunnel_decap";

    /// <summary>Geneve: class of the option that is read.</summary>
    public ushort OptionClass { get; init; }

    /// <summary>Geneve: its type.</summary>
    public byte OptionType { get; init; }

    /// <summary>Geneve: length of its data; 0 = none is read.</summary>
    public byte OptionBytes { get; init; }
}

/// <summary>Puts outer headers in front of the frame (<c>RTE_FLOW_ACTION_TYPE_RAW_ENCAP</c>); lengths, the UDP source port and checksums are filled in. Only an output may follow.</summary>
/// <param name="Port">Tunnel port that counts the frame as it is inside.</param>
/// <param name="Type">What the headers are.</param>
/// <param name="Header">Ethernet, IP, and what is behind it: lengths and source port 0, the IPv4 sum that of the rest, a UDP checksum 0 or, if one is to be computed, 0xffff.</param>
public sealed record FlowActionTunnelEncap(uint Port, FlowTunnelType Type, IReadOnlyList<byte> Header) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "tunnel_encap";
}

/// <summary>Encapsulations.</summary>
public enum FlowTunnelType : byte
{
    /// <summary>RFC 7348.</summary>
    Vxlan,

    /// <summary>RFC 8926.</summary>
    Geneve,

    /// <summary>RFC 2784 with Ethernet inside.</summary>
    Gre,
}
