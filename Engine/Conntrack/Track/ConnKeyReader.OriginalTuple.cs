using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnTracker
{
    /// <summary>
    /// A packet that this zone translated and whose tuple finds nothing: by the original tuple it carries (OVS <c>check_orig_tuple</c>).
    /// </summary>
    private int FindByOriginalTuple(Packet* packet, CtContext* cx, long nowMs)
    {
        FlowKey* k = &packet->Key;
        if ((packet->KeyLanes & CtLane) == 0 || k->CtNwProto == 0) return 0;
        ConnKey key = default;
        key.Zone = k->CtZone.Host;
        key.Proto = k->CtNwProto;
        Ipv6Address src = default, dst = default;
        if (cx->IsIpv6)
        {
            if ((packet->KeyLanes & CtIpv6Lane) == 0) return 0;
            (src, dst) = (k->CtIpv6Src, k->CtIpv6Dst);
            key.Aux = ConnKey.AuxIpv6;
            key.Src = _hash.OfAddress(src);
            key.Dst = _hash.OfAddress(dst);
        }
        else
        {
            key.Addrs = Unsafe.ReadUnaligned<ulong>(&k->CtNwSrc);
        }
        if (key.Proto == (cx->IsIpv6 ? IpProto.Icmpv6 : IpProto.Icmp))
        {
            if (!ConnKey.TryAuxOfIcmpType((byte)k->CtTpSrc.Host, cx->IsIpv6, out byte aux)) return 0;
            key.Aux |= aux;
            key.Ports = cx->Key.Ports;
        }
        else
        {
            key.Ports = Unsafe.ReadUnaligned<uint>(&k->CtTpSrc);
        }
        return Math.Max(0, Find(key, &src, &dst, _hash.OfKey(key), nowMs, out _));
    }
}
