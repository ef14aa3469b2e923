using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

internal readonly unsafe partial struct ConnKeyReader
{
    /// <summary>
    /// The original tuple that a packet carries since it was translated (OVS <c>check_orig_tuple</c>); false if it carries none.
    /// </summary>
    public bool TryReadOriginal(Packet* packet, CtContext* cx, out ConnKey key, out Ipv6Address src, out Ipv6Address dst)
    {
        key = default;
        src = dst = default;
        FlowKey* k = &packet->Key;
        if ((packet->KeyLanes & ConnMetadata.Lane) == 0 || k->CtNwProto == 0) return false;
        key.Zone = k->CtZone.Host;
        key.Proto = k->CtNwProto;
        if (cx->IsIpv6)
        {
            if ((packet->KeyLanes & ConnMetadata.Ipv6Lane) == 0) return false;
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
            if (!ConnKey.TryAuxOfIcmpType((byte)k->CtTpSrc.Host, cx->IsIpv6, out byte aux)) return false;
            key.Aux |= aux;
            key.Ports = cx->Key.Ports;
        }
        else
        {
            key.Ports = Unsafe.ReadUnaligned<uint>(&k->CtTpSrc);
        }
        return true;
    }
}
