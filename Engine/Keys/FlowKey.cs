using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Native;

namespace Mergeflow.Engine.Keys;

/// <summary>
/// What the datapath can match: nine lanes of 32 bytes. A mask (<c>Minimask</c>) has the same shape.
/// Every multi-byte field is in network byte order, so one bit-field routine serves all of them.
/// </summary>
/// <remarks>
/// <code>
/// lane bytes    content
///  0    0.. 31  dl_dst[0] dl_src[6] dl_type[12] vlan0_tci[14] in_port[16] recirc_id[20] ct_state[24] nw_frag[25] ct_zone[26] ct_mark[28]
///  1   32.. 63  offsets of the IPv4 header: tos[+1] ttl[+8] proto[+9] src[+12] dst[+16] tp_src[+20] tp_dst[+22] tcp_flags[+24]
///               (IPv6: tos, ttl, proto, ports and flags here too; ARP: op in proto, spa in src, tpa in dst; ICMP: type in tp_src, code in tp_dst)
///  2   64.. 95  ipv6_src, ipv6_dst
///  3   96..127  ct_label[+0] ct_nw_src[+16] ct_nw_dst[+20] ct_tp_src[+24] ct_tp_dst[+26] ct_nw_proto[+28]
///  4  128..159  nd_target[+0] arp_sha/nd_sll[+16] arp_tha/nd_tll[+22]
///  5  160..191  dp_hash[+0] pkt_mark[+4] ipv6_label[+8] vlan1_tci[+12] vlan0_tpid[+14] vlan1_tpid[+16] mpls_lse[+18,+22,+26] skb_priority[+30]
///  6  192..223  tun_id[+0] tun_src[+8] tun_dst[+12] tun_ipv6_src[+16]
///  7  224..255  tun_ipv6_dst[+0] tun_flags[+16] tun_tos[+18] tun_ttl[+19] tun_gbp_id[+20] tun_gbp_flags[+22] tun_options[+23] tun_metadata0[+24]
///  8  256..287  ct_ipv6_src, ct_ipv6_dst
/// </code>
/// Lanes 0 and 1 alone hold an untunnelled IPv4 packet with its recirculation metadata: one cache line.
/// vlan tci = 0 means "no tag"; a present tag always has bit 0x1000 (CFI) set, as in OVS.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public unsafe struct FlowKey
{
    /// <summary>Size of the key in bytes.</summary>
    public const int SizeBytes = 288;

    /// <summary>Number of 32-byte lanes.</summary>
    public const int LaneCount = 9;

    /// <summary>Lane bitmap of the two hot lanes.</summary>
    public const uint HotLanes = (1u << Lanes.Link) | (1u << Lanes.Network);

    [FieldOffset(0)] public EthAddress DlDst;
    [FieldOffset(6)] public EthAddress DlSrc;
    [FieldOffset(12)] public Be16 DlType;
    [FieldOffset(14)] public Be16 Vlan0Tci;
    [FieldOffset(16)] public Be32 InPort;
    [FieldOffset(20)] public Be32 RecircId;
    [FieldOffset(24)] public CtState CtState;
    [FieldOffset(25)] public NwFrag NwFrag;
    [FieldOffset(26)] public Be16 CtZone;
    [FieldOffset(28)] public Be32 CtMark;

    [FieldOffset(33)] public byte NwTos;
    [FieldOffset(40)] public byte NwTtl;
    [FieldOffset(41)] public byte NwProto;
    [FieldOffset(44)] public Be32 NwSrc;
    [FieldOffset(48)] public Be32 NwDst;
    [FieldOffset(52)] public Be16 TpSrc;
    [FieldOffset(54)] public Be16 TpDst;
    [FieldOffset(56)] public Be16 TcpFlags;

    [FieldOffset(64)] public Ipv6Address Ipv6Src;
    [FieldOffset(80)] public Ipv6Address Ipv6Dst;

    [FieldOffset(96)] public Ipv6Address CtLabel;
    [FieldOffset(112)] public Be32 CtNwSrc;
    [FieldOffset(116)] public Be32 CtNwDst;
    [FieldOffset(120)] public Be16 CtTpSrc;
    [FieldOffset(122)] public Be16 CtTpDst;
    [FieldOffset(124)] public byte CtNwProto;

    [FieldOffset(128)] public Ipv6Address NdTarget;
    [FieldOffset(144)] public EthAddress ArpSha;
    [FieldOffset(150)] public EthAddress ArpTha;

    [FieldOffset(160)] public Be32 DpHash;
    [FieldOffset(164)] public Be32 PktMark;
    [FieldOffset(168)] public Be32 Ipv6Label;
    [FieldOffset(172)] public Be16 Vlan1Tci;
    [FieldOffset(174)] public Be16 Vlan0Tpid;
    [FieldOffset(176)] public Be16 Vlan1Tpid;
    [FieldOffset(178)] public Be32 MplsLse0;
    [FieldOffset(182)] public Be32 MplsLse1;
    [FieldOffset(186)] public Be32 MplsLse2;

    /// <summary>Queue of the output port (OVS <c>skb_priority</c>, as <c>dpif-netdev</c> numbers it: the queue's own number); queues above 65,535 are as none.</summary>
    [FieldOffset(190)] public Be16 SkbPriority;

    [FieldOffset(192)] public Be64 TunId;
    [FieldOffset(200)] public Be32 TunSrc;
    [FieldOffset(204)] public Be32 TunDst;
    [FieldOffset(208)] public Ipv6Address TunIpv6Src;
    [FieldOffset(224)] public Ipv6Address TunIpv6Dst;
    [FieldOffset(240)] public Be16 TunFlags;
    [FieldOffset(242)] public byte TunTos;
    [FieldOffset(243)] public byte TunTtl;
    [FieldOffset(244)] public Be16 TunGbpId;
    [FieldOffset(246)] public byte TunGbpFlags;

    /// <summary>1 if the packet has the option that <see cref="TunMetadata0"/> shows.</summary>
    [FieldOffset(247)] public byte TunOptions;
    [FieldOffset(248)] public Be64 TunMetadata0;

    [FieldOffset(256)] public Ipv6Address CtIpv6Src;
    [FieldOffset(272)] public Ipv6Address CtIpv6Dst;

    /// <summary>The key's bytes.</summary>
    public Span<byte> Bytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref this, 1));

    /// <summary>Reference to lane <paramref name="lane"/>, 0..8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref Vector256<byte> Lane(ref FlowKey key, int lane)
        => ref Unsafe.Add(ref Unsafe.As<FlowKey, Vector256<byte>>(ref key), lane);

    /// <summary>Bitmap of the lanes that are not all zero.</summary>
    public static uint LaneMap(ref FlowKey key)
    {
        uint map = 0;
        for (int i = 0; i < LaneCount; i++)
        {
            if (Lane(ref key, i) != Vector256<byte>.Zero) map |= 1u << i;
        }
        return map;
    }

    /// <summary>True if <c>key &amp; mask == value</c> in every lane.</summary>
    public static bool Matches(ref FlowKey key, ref FlowKey mask, ref FlowKey value)
    {
        for (int i = 0; i < LaneCount; i++)
        {
            if ((Lane(ref key, i) & Lane(ref mask, i)) != Lane(ref value, i)) return false;
        }
        return true;
    }

    /// <summary>dst = a &amp; b in every lane.</summary>
    public static void And(ref FlowKey a, ref FlowKey b, ref FlowKey dst)
    {
        for (int i = 0; i < LaneCount; i++) Lane(ref dst, i) = Lane(ref a, i) & Lane(ref b, i);
    }

    /// <summary>dst = a | b in every lane.</summary>
    public static void Or(ref FlowKey a, ref FlowKey b, ref FlowKey dst)
    {
        for (int i = 0; i < LaneCount; i++) Lane(ref dst, i) = Lane(ref a, i) | Lane(ref b, i);
    }

    /// <summary>True if both are equal byte for byte.</summary>
    public static bool Same(ref FlowKey a, ref FlowKey b) => a.Bytes.SequenceEqual(b.Bytes);
}
