using Mergeflow.Engine.Text;

namespace Mergeflow.Control.OpenFlow;

/// <summary>What a controller is told of a packet beside its bytes (OVS <c>flow_get_metadata</c>).</summary>
internal static class PacketFacts
{
    private static readonly FieldId[] s_nonZero =
    [
        FieldId.TunId, FieldId.TunSrc, FieldId.TunDst, FieldId.TunIpv6Src, FieldId.TunIpv6Dst, FieldId.TunGbpId, FieldId.TunGbpFlags, FieldId.TunMetadata0, FieldId.Metadata, FieldId.PktMark,
        FieldId.Reg0, FieldId.Reg1, FieldId.Reg2, FieldId.Reg3, FieldId.Reg4, FieldId.Reg5, FieldId.Reg6, FieldId.Reg7,
        FieldId.Reg8, FieldId.Reg9, FieldId.Reg10, FieldId.Reg11, FieldId.Reg12, FieldId.Reg13, FieldId.Reg14, FieldId.Reg15,
    ];

    private static readonly FieldId[] s_connection = [FieldId.CtZone, FieldId.CtMark, FieldId.CtLabel];
    private static readonly FieldId[] s_tuple4 = [FieldId.EthType, FieldId.CtNwSrc, FieldId.CtNwDst, FieldId.CtNwProto, FieldId.CtTpSrc, FieldId.CtTpDst];
    private static readonly FieldId[] s_tuple6 = [FieldId.EthType, FieldId.CtIpv6Src, FieldId.CtIpv6Dst, FieldId.CtNwProto, FieldId.CtTpSrc, FieldId.CtTpDst];

    /// <summary>As a match.</summary>
    public static Match Of(ref PipelineFlow flow)
    {
        Match match = default;
        Add(ref match, ref flow, [FieldId.InPortOxm], alsoZero: true);
        Add(ref match, ref flow, s_nonZero, alsoZero: false);
        if (flow.Key.CtState == CtState.None) return match;
        // What is known of the connection is read by the type of the packet.
        Add(ref match, ref flow, [FieldId.CtState, FieldId.EthType], alsoZero: true);
        Add(ref match, ref flow, s_connection, alsoZero: false);
        if (flow.Key.CtNwProto == 0 || !MatchBuilder.HasPrerequisites(ref match, Fields.Of(FieldId.CtNwProto))) return match;
        if (flow.Key.DlType.Host == EthType.Ip) Add(ref match, ref flow, s_tuple4, alsoZero: true);
        else if (flow.Key.DlType.Host == EthType.Ipv6) Add(ref match, ref flow, s_tuple6, alsoZero: true);
        return match;
    }

    private static void Add(ref Match match, ref PipelineFlow flow, ReadOnlySpan<FieldId> ids, bool alsoZero)
    {
        foreach (FieldId id in ids)
        {
            Field field = Fields.Of(id);
            UInt128 value = field.Get(ref flow);
            if (value != 0 || alsoZero) MatchCodec.Set(ref match, id, value);
        }
    }
}
