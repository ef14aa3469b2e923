using System.Runtime.Intrinsics;

namespace Mergeflow.Engine;

/// <summary>The function behind the <see cref="DpOp.Hash"/> action: dp_hash over the 5-tuple of a parsed packet.</summary>
public static unsafe class DpHashFunction
{
    /// <summary>
    /// 32-bit hash of addresses, protocol and ports. Algorithm 1 is symmetric: both directions hash alike. The inputs are exactly the
    /// 5-tuple, so a merged rule that pins the 5-tuple pins the hash.
    /// </summary>
    public static uint Compute(Packet* p, DpHash args)
    {
        ref FlowKey k = ref p->Key;
        ulong src;
        ulong dst;
        if ((p->KeyLanes & 0b100) != 0)
        {
            src = Fold(k.Ipv6Src);
            dst = Fold(k.Ipv6Dst);
        }
        else
        {
            src = k.NwSrc.Host;
            dst = k.NwDst.Host;
        }

        ulong a = Mix(src ^ ((ulong)k.TpSrc.Host << 40));
        ulong b = Mix(dst ^ ((ulong)k.TpDst.Host << 40));
        ulong both = args.Algorithm == 1 ? a + b : a + (b * 0x9E3779B97F4A7C15UL);
        return (uint)(Mix(both ^ args.Basis ^ ((ulong)k.NwProto << 56)) >> 32);
    }

    private static ulong Fold(Ipv6Address address)
    {
        UInt128 v = address.ToUInt128();
        return Mix((ulong)(v >> 64)) ^ (ulong)v;
    }

    private static ulong Mix(ulong x)
    {
        // Finaliser of MurmurHash3: full avalanche, no table.
        x ^= x >> 33;
        x *= 0xff51afd7ed558ccdUL;
        x ^= x >> 33;
        x *= 0xc4ceb9fe1a85ec53UL;
        return x ^ (x >> 33);
    }
}
