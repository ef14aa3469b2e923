using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnTracker
{
    /// <summary>
    /// Protocols without a state machine (OVS lib/conntrack-other.c, conntrack-icmp.c): established once both directions were seen.
    /// </summary>
    private CtUpdate UpdateOther(int id, bool reply, long nowMs)
    {
        ConnRecord* c = Conn(id);
        ConnL4State before = c->L4State;
        if (IsIcmpProto(c->Fwd.Proto))
        {
            CtUpdate update = CtUpdate.Valid;
            if (before == ConnL4State.First)
            {
                if (reply) c->L4State = ConnL4State.Bidir;
                else update = CtUpdate.ValidNew;
            }
            SetExpiry(id, c->L4State == ConnL4State.Bidir ? CtTimeout.IcmpReply : CtTimeout.IcmpFirst, nowMs);
            if (c->L4State != before) Invalidate(id);
            return update;
        }
        if (reply) c->L4State = ConnL4State.Bidir;
        else if (before == ConnL4State.First) c->L4State = ConnL4State.Multiple;
        SetExpiry(id, c->L4State == ConnL4State.Bidir ? CtTimeout.OtherBidir : CtTimeout.OtherMultiple, nowMs);
        if (c->L4State != before) Invalidate(id);
        return c->L4State == ConnL4State.Bidir ? CtUpdate.Valid : CtUpdate.ValidNew;
    }

    private static bool IsIcmpProto(byte proto) => proto is IpProto.Icmp or IpProto.Icmpv6;

    /// <summary>May a packet that found no connection begin one?</summary>
    private static bool IsValidNew(CtContext* cx) => cx->Key.Proto switch
    {
        IpProto.Tcp => IsTcpValidNew(cx->L4),
        IpProto.Icmp => cx->L4SizeBytes > 0 && cx->L4[0] is 8 or 13 or 15,
        IpProto.Icmpv6 => cx->L4SizeBytes > 0 && cx->L4[0] == 128,
        _ => true,
    };
}
