using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Actions;

/// <summary>The function behind the <see cref="DpOp.Hash"/> action: dp_hash of a parsed packet.</summary>
/// <remarks>
/// What goes in, as in OVS (<c>flow_hash_5tuple</c>, <c>flow_hash_symmetric_l3l4</c>):
/// <code>
///                 algorithm 0                         algorithm 1, both directions alike
/// IPv4, IPv6      addresses, protocol, ports or       addresses, protocol, ports of TCP and SCTP
///                 ICMP type and code                  unless it is a fragment
/// ARP             addresses, operation                Ethernet addresses and type, VLANs
/// anything else   nothing                             Ethernet addresses and type, VLANs
/// </code>
/// A merged rule that pins these fields pins the hash.
/// </remarks>
public static unsafe class DpHashFunction
{
    /// <summary>The 32-bit hash of a parsed packet. Without <paramref name="key"/> nobody knows which bucket a packet gets.</summary>
    public static uint Compute(Packet* p, DpHash args, ulong key)
    {
        ref FlowKey k = ref p->Key;
        bool isIp = k.DlType.Host is EthType.Ip or EthType.Ipv6;
        if (args.Algorithm == 1) return isIp ? Symmetric(p, args.Basis, key) : SymmetricLink(p, args.Basis, key);
        if (!isIp && k.DlType.Host != EthType.Arp) return Finish(0, args.Basis, 0);

        (ulong src, ulong dst) = Addresses(p, key);
        bool hasPorts = isIp && k.NwProto is IpProto.Tcp or IpProto.Udp or IpProto.Sctp or IpProto.Icmp or IpProto.Icmpv6;
        if (hasPorts) (src, dst) = (src ^ ((ulong)k.TpSrc.Host << 40), dst ^ ((ulong)k.TpDst.Host << 40));
        return Finish(Mix(src) + (Mix(dst) * 0x9E3779B97F4A7C15UL), args.Basis, k.NwProto);
    }

    /// <summary>No UDP ports: all fragments of a datagram hash alike.</summary>
    private static uint Symmetric(Packet* p, uint basis, ulong key)
    {
        ref FlowKey k = ref p->Key;
        (ulong src, ulong dst) = Addresses(p, key);
        bool hasPorts = k.NwProto is IpProto.Tcp or IpProto.Sctp && k.NwFrag == NwFrag.No;
        if (hasPorts) (src, dst) = (src ^ ((ulong)k.TpSrc.Host << 40), dst ^ ((ulong)k.TpDst.Host << 40));
        return Finish(Mix(src) + Mix(dst), basis, k.NwProto);
    }

    /// <summary>OVS <c>flow_hash_symmetric_l2</c>.</summary>
    private static uint SymmetricLink(Packet* p, uint basis, ulong key)
    {
        const ushort vid = 0x0fff;
        ref FlowKey k = ref p->Key;
        int vlans = k.Vlan0Tci.Host & vid;
        if ((p->KeyLanes & (1u << Lanes.Rare)) != 0) vlans ^= k.Vlan1Tci.Host & vid;
        return Finish(Mix(k.DlSrc.ToUInt64() ^ key) + Mix(k.DlDst.ToUInt64() ^ key) + Mix(((ulong)vlans << 16) | k.DlType.Host), basis, 0);
    }

    private static (ulong Src, ulong Dst) Addresses(Packet* p, ulong key)
    {
        ref FlowKey k = ref p->Key;
        if (k.DlType.Host != EthType.Ipv6) return (k.NwSrc.Host ^ key, k.NwDst.Host ^ key);
        return (p->KeyLanes & (1u << Lanes.Ipv6)) != 0 ? (Fold(k.Ipv6Src) ^ key, Fold(k.Ipv6Dst) ^ key) : (key, key);
    }

    private static uint Finish(ulong hash, uint basis, byte proto) => (uint)(Mix(hash ^ basis ^ ((ulong)proto << 56)) >> 32);

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
