using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>What only tests look at.</remarks>
internal readonly unsafe partial struct ConnKeyReader
{
    /// <summary>The tuple that control names; false if it cannot be a connection's.</summary>
    public bool TryRead(ushort zone, in ConnTuple tuple, out ConnKey key)
    {
        key = default;
        key.Zone = zone;
        key.Proto = tuple.Proto;
        if (tuple.IsIpv6)
        {
            key.Aux = ConnKey.AuxIpv6;
            key.Src = _hash.OfAddress(tuple.Src);
            key.Dst = _hash.OfAddress(tuple.Dst);
        }
        else
        {
            key.Src = Ipv4Of(tuple.Src);
            key.Dst = Ipv4Of(tuple.Dst);
        }

        if (tuple.IsIcmp)
        {
            if (!ConnKey.TryAuxOfIcmpType(tuple.IcmpType, tuple.IsIpv6, out byte aux)) return false;
            key.Aux |= aux;
            key.SrcPort = key.DstPort = BinaryPrimitives.ReverseEndianness(tuple.IcmpId);
        }
        else
        {
            key.SrcPort = BinaryPrimitives.ReverseEndianness(tuple.SrcPort);
            key.DstPort = BinaryPrimitives.ReverseEndianness(tuple.DstPort);
        }

        return true;
    }

    /// <summary>An IPv4 address stands in the first four bytes.</summary>
    private static uint Ipv4Of(in Ipv6Address address) => Unsafe.As<Ipv6Address, uint>(ref Unsafe.AsRef(in address));
}
