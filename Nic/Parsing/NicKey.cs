using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Nic;


/// <summary>
/// What the device can match: four lanes of 32 bytes, all fields in network byte order. Values and masks of rules have the same shape.
/// </summary>
/// <remarks>
/// <code>
/// lane 0    0 eth_dst[6]  6 eth_src[6]  12 eth_type[2]  14 headers[2]  16 port[4]  20 vlan_tpid[2]  22 vlan_tci[2]
///          24 vlan2_tpid[2]  26 vlan2_tci[2]  28 csum[1]  29 ip_frag[1]
/// lane 1   32 ip_proto[1]  33 ip_tos[1]  34 ip_ttl[1]  36 ipv4_src/arp_spa[4]  40 ipv4_dst/arp_tpa[4]  44 tp_src[2]  46 tp_dst[2]
///          48 tcp_flags[2]  50 icmp_type[1]  51 icmp_code[1]  52 arp_op[2]  56 ipv6_label[4]
/// lane 2   64 ipv6_src[16]  80 ipv6_dst[16]
/// lane 3   96 mpls_lse[4] x 3 | 96 nd_target[16]  112 nd_sll/arp_sha[6]  118 nd_tll/arp_tha[6]
///        | 96 tun_id[8]  104 tun_src[4]  108 tun_dst[4]  112 tun_option[8]  120 tun_flags[2]  122 tun_tos[1]  123 tun_ttl[1]  124 tun_has_option[1]
/// </code>
/// Fields that share bytes belong to headers that exclude each other; an item always matches its bit in <c>headers</c> too.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public unsafe struct NicKey
{
    /// <summary>Size in bytes.</summary>
    public const int SizeBytes = 128;

    /// <summary>Number of 32-bit words.</summary>
    public const int WordCount = 32;

    /// <summary>Number of 64-bit words.</summary>
    public const int QuadCount = 16;

    /// <summary>Bit in the csum byte: the IPv4 header checksum was verified and is good (always, for IPv6).</summary>
    public const byte Ipv4CsumOk = 1;

    /// <summary>Bit in the csum byte: the L4 checksum was verified and is good.</summary>
    public const byte L4CsumOk = 2;

    [FieldOffset(0)] private fixed byte _bytes[SizeBytes];

    /// <summary>The key's bytes.</summary>
    public Span<byte> Bytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref this, 1));
}
