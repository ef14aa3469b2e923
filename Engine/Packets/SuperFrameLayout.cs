using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Packets;

/// <summary>Which headers stand in front of the transport header of a super-frame: an IP header, or those of a tunnel (VXLAN, Geneve, GRE with Ethernet inside) and an IP header.</summary>
internal readonly unsafe struct SuperFrameLayout
{
    private const int EthernetHeaderBytes = 14, TagBytes = 4, Ipv4HeaderBytes = 20, Ipv6HeaderBytes = 40, UdpHeaderBytes = 8, TunnelHeaderBytes = 8, GreHeaderBytes = 4;
    private const int VxlanPort = 4789, GenevePort = 6081;
    private const byte GreKey = 0x20;

    private SuperFrameLayout(int l3, int outerL3 = 0, int outerL4 = 0, bool isOuterUdp = false) => (L3, OuterL3, OuterL4, IsOuterUdp) = (l3, outerL3, outerL4, isOuterUdp);

    /// <summary>The IP header in front of the transport header.</summary>
    public int L3 { get; }

    /// <summary>The IP header of the tunnel; 0 = none.</summary>
    public int OuterL3 { get; }

    /// <summary>What stands behind that.</summary>
    public int OuterL4 { get; }

    /// <summary>That is a UDP header; else a GRE header without a checksum.</summary>
    public bool IsOuterUdp { get; }

    /// <summary>Finds them.</summary>
    /// <param name="frame">The frame; as much as <paramref name="l4"/> is read.</param>
    /// <param name="l4">Where the transport header begins.</param>
    /// <param name="layout">What was found.</param>
    /// <returns>False if nothing known leads there.</returns>
    public static bool TryFind(byte* frame, int l4, out SuperFrameLayout layout)
    {
        layout = default;
        if (!TryNetwork(frame, 0, l4, out int l3, out int next, out byte protocol)) return false;
        if (next == l4 || IsBehindExtensions(frame + l3, protocol))
        {
            layout = new SuperFrameLayout(l3);
            return true;
        }

        int inner = protocol switch
        {
            IpProto.Udp when next + UdpHeaderBytes + TunnelHeaderBytes <= l4 => BehindUdp(frame + next, next),
            IpProto.Gre when next + GreHeaderBytes <= l4 && (frame[next] & ~GreKey) == 0 => next + GreHeaderBytes + ((frame[next] & GreKey) != 0 ? 4 : 0),
            _ => 0,
        };
        if (inner == 0 || !TryNetwork(frame, inner, l4, out int innerL3, out int end, out _) || end != l4) return false;
        layout = new SuperFrameLayout(innerL3, l3, next, protocol == IpProto.Udp);
        return true;
    }

    /// <summary>An IP header behind an Ethernet header and its tags, in front of <paramref name="end"/>.</summary>
    private static bool TryNetwork(byte* frame, int at, int end, out int l3, out int next, out byte protocol)
    {
        (l3, next, protocol) = (0, 0, 0);
        int type = at + EthernetHeaderBytes - 2;
        while (type + TagBytes + 2 <= end && WordAt(frame + type) is EthType.Vlan or EthType.QinQ) type += TagBytes;
        l3 = type + 2;
        if (l3 + Ipv4HeaderBytes > end) return false;
        byte* ip = frame + l3;
        switch (WordAt(frame + type))
        {
            case EthType.Ip when *ip >> 4 == 4 && (*ip & 15) >= 5:
                (next, protocol) = (l3 + ((*ip & 15) * 4), ip[9]);
                return next <= end;
            case EthType.Ipv6 when *ip >> 4 == 6 && l3 + Ipv6HeaderBytes <= end:
                (next, protocol) = (l3 + Ipv6HeaderBytes, ip[6]);
                return true;
            default:
                return false;
        }
    }

    /// <summary>What follows an IPv6 header is no transport header and no tunnel: extension headers lead to the transport header, which the sender has found.</summary>
    private static bool IsBehindExtensions(byte* ip, byte protocol) => *ip >> 4 == 6 && protocol is not (IpProto.Udp or IpProto.Gre or IpProto.Tcp);

    private static int BehindUdp(byte* udp, int at) => WordAt(udp + 2) switch
    {
        VxlanPort => at + UdpHeaderBytes + TunnelHeaderBytes,
        GenevePort => at + UdpHeaderBytes + TunnelHeaderBytes + ((udp[UdpHeaderBytes] & 0x3f) * 4),
        _ => 0,
    };

    private static int WordAt(byte* at) => (at[0] << 8) | at[1];
}
