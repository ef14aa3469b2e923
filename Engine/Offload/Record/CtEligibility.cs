using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>Which packets of which connections a merged rule may stand for: established TCP and UDP, without side effects on the connection.</summary>
public static class CtEligibility
{
    /// <summary>None, or why a <c>ct</c> with this verdict cannot be part of a merged rule.</summary>
    public static OffloadReason Check(byte nwProto, ushort tcpFlags, in CtVerdict verdict, out string detail)
    {
        detail = "nw_proto";
        if (nwProto is IpProto.Icmp or IpProto.Icmpv6) return OffloadReason.IcmpWithCt;
        if (nwProto is not (IpProto.Tcp or IpProto.Udp)) return OffloadReason.ProtocolWithCt;
        detail = "ct_state";
        if (verdict.HasAlg) return OffloadReason.Alg;
        if ((verdict.State & CtState.Inv) != 0) return OffloadReason.CtInvalid;
        if ((verdict.State & CtState.Rel) != 0) return OffloadReason.CtRelated;
        if ((verdict.State & (CtState.Est | CtState.New | CtState.Trk)) != (CtState.Est | CtState.Trk) || verdict.ConnId < 0) return OffloadReason.CtNotEstablished;
        detail = "ct";
        if (verdict.Changed) return OffloadReason.CtChangesConnection;
        detail = "ct_orig_tuple";
        if (verdict.ByOriginalTuple) return OffloadReason.CtOriginalTuple;
        detail = "tcp_flags";
        if (nwProto == IpProto.Tcp && (tcpFlags & KeyMasks.CtTcpFlags) != KeyMasks.TcpAck) return OffloadReason.CtTcpFlags;
        detail = "connection";
        return verdict.Offloadable ? OffloadReason.None : OffloadReason.CtNotEstablished;
    }
}
