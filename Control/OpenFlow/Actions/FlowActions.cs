namespace Mergeflow.Control.OpenFlow;

/// <summary>The actions of a rule as the engine knows them.</summary>
internal static class FlowActions
{
    private static readonly EquatableList<OfAction> s_drop = new([new OfDrop()]);

    /// <summary>No actions are a drop that was written out; <c>mod_tp_src</c> and <c>mod_tp_dst</c> are those of the protocol that the match pins.</summary>
    public static EquatableList<OfAction> OfRule(EquatableList<OfAction> actions, ref Match match)
    {
        if (actions.Count == 0) return s_drop;
        byte proto = match.Mask.Key.NwProto == 0 ? (byte)0 : match.Value.Key.NwProto;
        if (proto is not (IpProto.Udp or IpProto.Sctp) || !actions.Any(IsPortMod)) return actions;
        return new EquatableList<OfAction>(actions.Select(a => IsPortMod(a) ? Of((OfSetField)a, proto) : a));
    }

    private static bool IsPortMod(OfAction action) => action is OfSetField { Spelling: OfSetSpelling.Mod, Field.Id: FieldId.TcpSrc or FieldId.TcpDst };

    private static OfSetField Of(OfSetField action, byte proto)
    {
        bool isSource = action.Field.Id == FieldId.TcpSrc;
        FieldId id = proto == IpProto.Udp ? isSource ? FieldId.UdpSrc : FieldId.UdpDst : isSource ? FieldId.SctpSrc : FieldId.SctpDst;
        return action with { Field = Fields.Of(id) };
    }
}
