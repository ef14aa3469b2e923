using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnTracker
{
    /// <summary>Removes every connection (<c>dpctl/flush-conntrack</c>); fragments on hold stay.</summary>
    public void FlushAll(long nowMs)
    {
        for (int id = 1; id < _highWater; id++)
        {
            if ((Conn(id)->Flags & ConnFlags.Live) != 0) RemoveConn(id);
        }
        WheelStart(nowMs);
    }

    /// <summary>Removes every connection of a zone.</summary>
    public void FlushZone(ushort zone)
    {
        for (int id = 1; id < _highWater; id++)
        {
            if ((Conn(id)->Flags & ConnFlags.Live) != 0 && Conn(id)->Fwd.Zone == zone) RemoveConn(id);
        }
    }

    /// <summary>Removes the connection one of whose tuples is given; false if there is none.</summary>
    public bool FlushTuple(ushort zone, in ConnTuple tuple, long nowMs)
    {
        ConnKey key = default;
        key.Zone = zone;
        key.Proto = tuple.Proto;
        Ipv6Address src = tuple.Src, dst = tuple.Dst;
        if (tuple.IsIpv6)
        {
            key.Aux = ConnKey.AuxIpv6;
            key.Src = _hash.OfAddress(src);
            key.Dst = _hash.OfAddress(dst);
        }
        else
        {
            key.Src = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(Host32(src));
            key.Dst = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(Host32(dst));
        }
        if (tuple.IsIcmp)
        {
            if (!ConnKey.TryAuxOfIcmpType(tuple.IcmpType, tuple.IsIpv6, out byte aux)) return false;
            key.Aux |= aux;
            key.SrcPort = key.DstPort = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(tuple.IcmpId);
        }
        else
        {
            key.SrcPort = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(tuple.SrcPort);
            key.DstPort = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(tuple.DstPort);
        }
        int id = Find(key, &src, &dst, _hash.OfKey(key), nowMs, out _);
        if (id <= 0) return false;
        RemoveConn(id);
        return true;
    }
}
