namespace Mergeflow.Control.OpenFlow;

/// <summary>The fields behind Ethernet that a match can have, by what it says about type and protocol (OVS <c>nxm_put_ip</c>).</summary>
internal static class OxmNetworkFields
{
    private static readonly FieldId[] s_mpls = [FieldId.MplsTc, FieldId.MplsBos, FieldId.MplsTtl, FieldId.MplsLabel];
    private static readonly FieldId[] s_arp = [FieldId.ArpOp, FieldId.ArpSpa, FieldId.ArpTpa, FieldId.ArpSha, FieldId.ArpTha];
    private static readonly FieldId[] s_none = [];
    private static readonly Dictionary<(bool Ipv6, bool Oxm, int Transport), FieldId[]> s_ip = Build();

    private enum Transport
    {
        Other,
        Tcp,
        Udp,
        Sctp,
        Icmpv4,
        Icmpv6,
        NdSolicit,
        NdAdvert,
    }

    /// <summary>In the order in which they are written.</summary>
    public static ReadOnlySpan<FieldId> Of(ref Match match, bool oxm)
    {
        ushort type = match.Mask.Key.DlType.Host == 0 ? (ushort)0 : match.Value.Key.DlType.Host;
        return type switch
        {
            EthType.Mpls or EthType.MplsMcast => s_mpls,
            EthType.Arp or EthType.Rarp => s_arp,
            EthType.Ip or EthType.Ipv6 => s_ip[(type == EthType.Ipv6, oxm, (int)TransportOf(ref match, type == EthType.Ipv6))],
            _ => s_none,
        };
    }

    private static Transport TransportOf(ref Match match, bool isIpv6)
    {
        if (match.Mask.Key.NwProto == 0) return Transport.Other;
        return match.Value.Key.NwProto switch
        {
            IpProto.Tcp => Transport.Tcp,
            IpProto.Udp => Transport.Udp,
            IpProto.Sctp => Transport.Sctp,
            IpProto.Icmp when !isIpv6 => Transport.Icmpv4,
            IpProto.Icmpv6 when isIpv6 => (match.Value.Key.TpSrc.Host, match.Value.Key.TpDst.Host) switch
            {
                (135, 0) => Transport.NdSolicit,
                (136, 0) => Transport.NdAdvert,
                _ => Transport.Icmpv6,
            },
            _ => Transport.Other,
        };
    }

    private static Dictionary<(bool Ipv6, bool Oxm, int Transport), FieldId[]> Build()
    {
        Dictionary<(bool, bool, int), FieldId[]> table = [];
        foreach (bool ipv6 in (bool[])[false, true])
        {
            foreach (bool oxm in (bool[])[false, true])
            {
                foreach (Transport transport in Enum.GetValues<Transport>())
                {
                    FieldId[] addresses = ipv6 ? [FieldId.Ipv6Src, FieldId.Ipv6Dst] : [FieldId.Ipv4Src, FieldId.Ipv4Dst];
                    table.Add((ipv6, oxm, (int)transport), [.. addresses, FieldId.IpFrag, oxm ? FieldId.IpDscp : FieldId.NwTos, FieldId.IpEcn, FieldId.IpTtl, FieldId.Ipv6Label, FieldId.IpProto, .. Behind(transport)]);
                }
            }
        }

        return table;
    }

    private static FieldId[] Behind(Transport transport) => transport switch
    {
        Transport.Tcp => [FieldId.TcpSrc, FieldId.TcpDst, FieldId.TcpFlags],
        Transport.Udp => [FieldId.UdpSrc, FieldId.UdpDst],
        Transport.Sctp => [FieldId.SctpSrc, FieldId.SctpDst],
        Transport.Icmpv4 => [FieldId.Icmpv4Type, FieldId.Icmpv4Code],
        Transport.Icmpv6 => [FieldId.Icmpv6Type, FieldId.Icmpv6Code],
        Transport.NdSolicit => [FieldId.Icmpv6Type, FieldId.Icmpv6Code, FieldId.NdTarget, FieldId.NdSll],
        Transport.NdAdvert => [FieldId.Icmpv6Type, FieldId.Icmpv6Code, FieldId.NdTarget, FieldId.NdTll],
        _ => [],
    };
}
