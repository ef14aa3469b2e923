namespace Mergeflow.Control.OpenFlow;

/// <summary>Matches in the form of each version: <c>ofp10_match</c>, <c>ofp11_match</c>, OXM (OVS <c>ofp-match.c</c>).</summary>
internal static class MatchCodec
{
    /// <summary>Reads one.</summary>
    public static void Read(ref OfReader reader, ref Match match)
    {
        if (reader.Version == OfVersion.V10) Match10.Read(ref reader, ref match);
        else if (reader.Version == OfVersion.V11) Match11.Read(ref reader, ref match);
        else OxmReader.Read(ref reader, ref match);
    }

    /// <summary>Writes one.</summary>
    public static void Write(OfWriter writer, ref Match match)
    {
        if (writer.Version == OfVersion.V10) Match10.Write(writer, ref match);
        else if (writer.Version == OfVersion.V11) Match11.Write(writer, ref match);
        else OxmMatchWriter.Write(writer, ref match);
    }

    /// <summary>Adds a field without looking at what it needs; <see cref="Normalize"/> takes away what lacks it.</summary>
    public static void Set(ref Match match, FieldId id, UInt128 value, UInt128? mask = null)
    {
        Field field = Fields.Of(id);
        field.Set(ref match.Mask, mask ?? UInt128.MaxValue);
        field.Set(ref match.Value, value & (mask ?? UInt128.MaxValue));
    }

    /// <summary>Matches of fixed shape say things about headers that the packet may not have: those go (OVS <c>ofputil_normalize_match</c>).</summary>
    public static void Normalize(ref Match match)
    {
        ref FlowKey mask = ref match.Mask.Key;
        ushort type = mask.DlType.Host == 0 ? (ushort)0 : match.Value.Key.DlType.Host;
        bool ip = type is EthType.Ip or EthType.Ipv6, arp = type is EthType.Arp or EthType.Rarp;
        byte proto = mask.NwProto == 0 ? (byte)0 : match.Value.Key.NwProto;
        bool hasPorts = ip && (proto is IpProto.Tcp or IpProto.Udp or IpProto.Sctp || proto == (type == EthType.Ip ? IpProto.Icmp : IpProto.Icmpv6));
        if (!hasPorts) mask.TpSrc = mask.TpDst = default;
        if (!ip) mask.NwTos = 0;
        if (!ip && !arp) mask.NwProto = 0;
        if (type != EthType.Ip && !arp) mask.NwSrc = mask.NwDst = default;
        if (type is not (EthType.Mpls or EthType.MplsMcast)) mask.MplsLse0 = default;
        for (int i = 0; i < PipelineFlow.LaneCount; i++) PipelineFlow.Lane(ref match.Value, i) &= PipelineFlow.Lane(ref match.Mask, i);
    }
}
