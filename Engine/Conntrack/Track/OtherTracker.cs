using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// Protocols without a state machine (OVS lib/conntrack-other.c, conntrack-icmp.c): established once both directions were seen. Of the record only
/// <see cref="ConnRecord.L4State"/> moves.
/// </summary>
internal static unsafe class OtherTracker
{
    /// <summary>A packet of a connection that is there.</summary>
    public static L4Verdict Update(ConnRecord* c, bool reply)
    {
        bool isFirst = c->L4State == ConnL4State.First;
        if (IsIcmp(c->Fwd.Proto))
        {
            if (isFirst && reply) c->L4State = ConnL4State.Bidir;
            return new(isFirst && !reply ? CtUpdate.ValidNew : CtUpdate.Valid, c->L4State == ConnL4State.Bidir ? CtTimeout.IcmpReply : CtTimeout.IcmpFirst);
        }

        if (reply) c->L4State = ConnL4State.Bidir;
        else if (isFirst) c->L4State = ConnL4State.Multiple;
        return c->L4State == ConnL4State.Bidir ? new(CtUpdate.Valid, CtTimeout.OtherBidir) : new(CtUpdate.ValidNew, CtTimeout.OtherMultiple);
    }

    public static bool IsIcmp(byte proto) => proto is IpProto.Icmp or IpProto.Icmpv6;

    /// <summary>May a packet that found no connection begin one? Not of TCP.</summary>
    public static bool IsValidNew(byte proto, byte* l4, int l4SizeBytes) => proto switch
    {
        IpProto.Icmp => l4SizeBytes > 0 && l4[0] is 8 or 13 or 15,
        IpProto.Icmpv6 => l4SizeBytes > 0 && l4[0] == 128,
        _ => true,
    };
}
