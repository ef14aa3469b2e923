using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// A tunnel port (OVS <c>struct netdev_tunnel_config</c>). Its way to its peers is fixed (one port below it, one address, one next hop), or is found for each packet by routes and neighbours
/// (<see cref="IsRouted"/>).
/// </summary>
public sealed record TunnelPort
{
    /// <summary>OpenFlow port number of the tunnel port.</summary>
    public required uint Number { get; init; }

    public required TunnelKind Kind { get; init; }

    /// <summary>The way is what <see cref="TunnelUnderlay"/> says; the four members of a fixed way say nothing.</summary>
    public bool IsRouted { get; init; }

    /// <summary>The port below and the switch's own addresses are fixed, the next hop is found for each packet by <see cref="TunnelUnderlay"/>: <see cref="NextHopMac"/> says nothing.</summary>
    public bool FindsNextHop { get; init; }

    /// <summary>Port that encapsulated packets leave on and arrive at.</summary>
    public uint UnderlayPort { get; init; }

    /// <summary>Ethernet address of the underlay: outer source, and destination of what is decapsulated.</summary>
    public EthAddress UnderlayMac { get; init; }

    /// <summary>Ethernet address of the next hop: outer destination.</summary>
    public EthAddress NextHopMac { get; init; }

    /// <summary>IP address of the underlay, IPv4 in the first four bytes.</summary>
    public Ipv6Address UnderlayAddress { get; init; }

    /// <summary>Whether the outer header is IPv6; null = whichever the flow says.</summary>
    public bool? IsIpv6 { get; init; } = false;

    /// <summary><c>local_ip</c>: outer source and required destination; null = any, <see cref="UnderlayAddress"/> is the source.</summary>
    public Ipv6Address? Local { get; init; }

    /// <summary><c>local_ip=flow</c>: the flow's tun_src is the outer source, if there is one.</summary>
    public bool IsLocalFlow { get; init; }

    /// <summary><c>remote_ip</c>; null = <c>flow</c>: the flow's tun_dst.</summary>
    public Ipv6Address? Remote { get; init; }

    /// <summary><c>in_key</c>: tunnel id that packets must have; null = <c>flow</c>, any.</summary>
    public ulong? InKey { get; init; } = 0;

    /// <summary><c>out_key</c>: tunnel id of packets that leave; null = <c>flow</c>, the flow's tun_id.</summary>
    public ulong? OutKey { get; init; } = 0;

    /// <summary><c>in_key</c> was said; it is shown then.</summary>
    public bool HasInKey { get; init; }

    /// <summary>Packets that leave carry a key: GRE without one has no key field.</summary>
    public bool HasOutKey { get; init; }

    /// <summary>UDP port of the peers, host order; 0 for GRE.</summary>
    public ushort DestinationPort { get; init; }

    /// <summary>Outer TOS; its ECN bits are always those of the inner packet (RFC 6040).</summary>
    public byte Tos { get; init; }

    /// <summary><c>tos=inherit</c>.</summary>
    public bool InheritsTos { get; init; }

    public byte Ttl { get; init; } = 64;

    /// <summary><c>ttl=inherit</c>.</summary>
    public bool InheritsTtl { get; init; }

    /// <summary><c>csum</c>: UDP or GRE checksums over IPv4; UDP over IPv6 always has one.</summary>
    public bool HasChecksum { get; init; }

    /// <summary><c>df_default</c>.</summary>
    public bool DontFragment { get; init; } = true;
}
