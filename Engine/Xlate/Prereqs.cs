using Mergeflow.Engine.Keys;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Prerequisites of fields (OVS <c>mf_are_prereqs_ok</c>), consulting as little as decides them.</summary>
internal static unsafe class Prereqs
{
    /// <summary>The flow has what a field needs to be there.</summary>
    public static bool Meets(this XlateFlow flow, FieldPrereq prereq) => prereq switch
    {
        FieldPrereq.None or FieldPrereq.CtState => true,
        FieldPrereq.Arp => flow.DlType is EthType.Arp or EthType.Rarp,
        FieldPrereq.VlanVid => flow.ConsultVlanPresent(),
        FieldPrereq.Ipv4 => flow.DlType == EthType.Ip,
        FieldPrereq.Ipv6 => flow.DlType == EthType.Ipv6,
        FieldPrereq.IpAny => flow.IsIp,
        FieldPrereq.CtValid => flow.ConsultAnyBit(L.CtState, (byte)(CtState.New | CtState.Est | CtState.Rpl)),
        FieldPrereq.Mpls => flow.IsMpls,
        FieldPrereq.Tcp => flow.IsIp && flow.ConsultEquals(L.NwProto, IpProto.Tcp) && HasPorts(flow),
        FieldPrereq.Udp => flow.IsIp && flow.ConsultEquals(L.NwProto, IpProto.Udp) && HasPorts(flow),
        FieldPrereq.Sctp => flow.IsIp && flow.ConsultEquals(L.NwProto, IpProto.Sctp) && HasPorts(flow),
        FieldPrereq.L4 => flow.IsIp && ConsultPortProto(flow) && HasPorts(flow),
        FieldPrereq.Icmpv4 => flow.DlType == EthType.Ip && flow.ConsultEquals(L.NwProto, IpProto.Icmp),
        FieldPrereq.Icmpv6 => flow.DlType == EthType.Ipv6 && flow.ConsultEquals(L.NwProto, IpProto.Icmpv6),
        FieldPrereq.Nd => IsNd(flow, solicit: true, advert: true),
        FieldPrereq.NdSolicit => IsNd(flow, solicit: true, advert: false),
        FieldPrereq.NdAdvert => IsNd(flow, solicit: false, advert: true),
        _ => false,
    };

    private static bool ConsultPortProto(XlateFlow flow)
    {
        flow.Consult(L.NwProto, 0xff);
        return flow.Current[L.NwProto] is IpProto.Tcp or IpProto.Udp or IpProto.Sctp;
    }

    /// <summary>False for later fragments, whose ports are out of reach.</summary>
    private static bool HasPorts(XlateFlow flow) => !flow.ConsultAnyBit(L.NwFrag, (byte)NwFrag.Later);

    private static bool IsNd(XlateFlow flow, bool solicit, bool advert)
    {
        if (flow.DlType != EthType.Ipv6 || !flow.ConsultEquals(L.NwProto, IpProto.Icmpv6)) return false;
        if (!flow.ConsultEquals(L.TpDst + 1, 0)) return false;
        return (solicit && flow.ConsultEquals(L.TpSrc + 1, 135)) || (advert && flow.ConsultEquals(L.TpSrc + 1, 136));
    }
}
