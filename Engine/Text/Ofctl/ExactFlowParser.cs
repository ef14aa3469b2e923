using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <summary>A packet in the words of <c>ovs-ofctl</c>: each field once, behind those that it needs, without a mask (OVS <c>parse_ofp_exact_flow</c>).</summary>
/// <param name="ports">Names of ports.</param>
public sealed class ExactFlowParser(PortNames ports)
{
    private const string SkbPriority = "skb_priority";

    private readonly PortNames _ports = ports;

    /// <summary>Reads it; what is not given is zero, and without a port it comes from none.</summary>
    /// <param name="text">Fields.</param>
    /// <param name="skbPriority">The packet's priority, which is in no key.</param>
    /// <exception cref="FlowTextException">It is none; the message is that of Open vSwitch.</exception>
    public PipelineFlow Parse(string text, out uint skbPriority)
    {
        skbPriority = 0;
        PipelineFlow flow = default;
        TextPiece whole = TextPiece.Whole(text, 1);
        var reader = new KeyValueReader(whole);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            string name = key.ToString();
            if (FlowTextParser.ProtocolOf(name) is { } protocol)
            {
                if (flow.Key.DlType.Raw != 0) key.Fail($"{text}: Ethernet type set multiple times");
                flow.Key.DlType = Be16.FromHost(protocol.EthType);
                if (protocol.IpProto != 0 && flow.Key.NwProto != 0) key.Fail($"{text}: network protocol set multiple times");
                if (protocol.IpProto != 0) flow.Key.NwProto = protocol.IpProto;
            }
            else if (name == SkbPriority)
            {
                if (!NumberText.TryParse(value.Span, uint.MaxValue, out UInt128 number)) key.Fail($"{text}: bad value for {name} ({value}: bad syntax for {name} value)");
                skbPriority = (uint)number;
            }
            else if (name is not ("eth" or "packet_type"))
            {
                SetField(ref flow, text, key, value);
            }
        }

        if (flow.Key.InPort.Raw == 0) flow.Key.InPort = Be32.FromHost((uint)OfReservedPort.None);
        if ((flow.Key.Vlan0Tci.Host & KeyMasks.VlanPresent) != 0) flow.Key.Vlan0Tpid = Be16.FromHost(EthType.Vlan);
        if ((flow.Key.Vlan1Tci.Host & KeyMasks.VlanPresent) != 0) flow.Key.Vlan1Tpid = Be16.FromHost(EthType.Vlan);
        return flow;
    }

    private void SetField(ref PipelineFlow flow, string text, TextPiece key, TextPiece value)
    {
        string name = key.ToString();
        if (FieldText.FindField(key) is not { } field)
        {
            key.Fail($"{text}: unknown field {name}");
            return;
        }

        if (!Meets(flow.Key, field.Prereq)) key.Fail($"{text}: prerequisites not met for setting {name}");
        if (field.Get(ref flow) != 0) key.Fail($"{text}: field {name} set multiple times");
        try
        {
            FieldValue read = FieldText.Parse(field, value, _ports);
            if (!read.IsExact) value.Fail($"{value}: wildcards not allowed here");
            Match match = new() { Value = flow };
            MatchBuilder.Set(ref match, field, read);
            flow = match.Value;
        }
        catch (FlowTextException e)
        {
            key.Fail($"{text}: bad value for {name} ({e.Message})");
        }
    }

    /// <summary>OVS <c>mf_are_prereqs_ok</c>.</summary>
    private static bool Meets(in FlowKey k, FieldPrereq prereq)
    {
        ushort type = k.DlType.Host;
        bool isIp = type is EthType.Ip or EthType.Ipv6, hasPorts = (k.NwFrag & NwFrag.Later) == 0;
        bool isIcmpv6 = type == EthType.Ipv6 && k.NwProto == IpProto.Icmpv6;
        bool isNd = isIcmpv6 && k.TpDst.Raw == 0;
        return prereq switch
        {
            FieldPrereq.Arp => type is EthType.Arp or EthType.Rarp,
            FieldPrereq.VlanVid => (k.Vlan0Tci.Host & KeyMasks.VlanPresent) != 0,
            FieldPrereq.Ipv4 => type == EthType.Ip,
            FieldPrereq.Ipv6 => type == EthType.Ipv6,
            FieldPrereq.IpAny => isIp,
            FieldPrereq.CtValid => (k.CtState & CtState.Trk) != 0 && (k.CtState & CtState.Inv) == 0,
            FieldPrereq.Mpls => type is EthType.Mpls or EthType.MplsMcast,
            FieldPrereq.Tcp => isIp && k.NwProto == IpProto.Tcp && hasPorts,
            FieldPrereq.Udp => isIp && k.NwProto == IpProto.Udp && hasPorts,
            FieldPrereq.Sctp => isIp && k.NwProto == IpProto.Sctp && hasPorts,
            FieldPrereq.Icmpv4 => type == EthType.Ip && k.NwProto == IpProto.Icmp,
            FieldPrereq.Icmpv6 => isIcmpv6,
            FieldPrereq.Nd => isNd && k.TpSrc.Host is 135 or 136,
            FieldPrereq.NdSolicit => isNd && k.TpSrc.Host == 135,
            FieldPrereq.NdAdvert => isNd && k.TpSrc.Host == 136,
            _ => true,
        };
    }
}
