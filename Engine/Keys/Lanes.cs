namespace Mergeflow.Engine.Keys;

/// <summary>Lanes of a <see cref="FlowKey"/>, and of the <see cref="PipelineFlow"/> that begins with one, by what they hold.</summary>
internal static class Lanes
{
    /// <summary>Size of a lane in bytes.</summary>
    public const int SizeBytes = 32;

    /// <summary>Ethernet, the outer VLAN's TCI, and the metadata of every packet: in_port, recirc_id, ct_state, ct_zone, ct_mark.</summary>
    public const int Link = 0;

    /// <summary>IPv4 addresses or those of ARP, and what both IPs have: TOS, TTL, protocol, ports, TCP flags.</summary>
    public const int Network = 1;

    /// <summary>The first lane that is not hot: wide keys and masks have those from here on.</summary>
    public const int FirstWide = Network + 1;

    /// <summary>IPv6 addresses.</summary>
    public const int Ipv6 = 2;

    /// <summary>ct_label, and the connection's original tuple but for IPv6 addresses.</summary>
    public const int Ct = 3;

    /// <summary>Hardware addresses of ARP, and neighbour discovery.</summary>
    public const int Neighbor = 4;

    /// <summary>What few packets have: dp_hash, pkt_mark, skb_priority, ipv6_label, the inner VLAN tag, MPLS labels.</summary>
    public const int Rare = 5;

    /// <summary>Tunnel id, IPv4 addresses and IPv6 source.</summary>
    public const int Tunnel = 6;

    /// <summary>Tunnel IPv6 destination, flags, TOS, TTL, group policy.</summary>
    public const int TunnelIpv6 = 7;

    /// <summary>IPv6 addresses of the connection's original tuple.</summary>
    public const int CtIpv6 = 8;

    /// <summary>reg0..reg7; the pipeline's alone, as all behind it.</summary>
    public const int Regs = 9;

    /// <summary>reg8..reg15.</summary>
    public const int RegsHigh = 10;

    /// <summary>metadata, conj_id, actset_output.</summary>
    public const int Metadata = 11;

    /// <summary>
    /// Lanes that hold nothing but headers behind Ethernet and its tags. Bytes, because a span of wider constants leaves garbage wherever code is not optimised.
    /// </summary>
    public static ReadOnlySpan<byte> Headers => [Network, Ipv6, Neighbor];

    /// <summary>Byte offset of a lane.</summary>
    public static int At(int lane) => lane * SizeBytes;
}
