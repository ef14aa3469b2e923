using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// Translation of the packet that an ICMP error quotes (OVS <c>nat_inner_packet</c>). The quote may end anywhere behind its first eight
/// bytes of L4: what lies beyond the end is not touched.
/// </summary>
internal static unsafe class ConnNatQuoted
{
    /// <summary>Rewrites the quote as <paramref name="other"/> demands, then the ICMP checksum.</summary>
    public static void TranslateIpv4(Packet* packet, CtContext* cx, ConnKey* other, bool quotedSource)
    {
        byte* end = EndOf(packet);
        byte* l3 = cx->L4 + 8;
        byte* l4 = l3 + ((*l3 & 0x0f) * 4);
        int size = (int)(end - l4);
        if (other->Proto is IpProto.Tcp or IpProto.Udp && size >= 4) ConnNat.WritePorts(l4, size, other->Proto, other->SrcPort, other->DstPort);
        else if (other->Proto == IpProto.Icmp && size >= 8) ConnNat.WriteIcmpId(l4, other->SrcPort);
        ConnNat.WriteIpv4(l3, l4, size, quotedSource, quotedSource ? other->Src : other->Dst);

        Unsafe.WriteUnaligned(cx->L4 + 2, (ushort)0);
        Unsafe.WriteUnaligned(cx->L4 + 2, InternetChecksum.Compute(cx->L4, (int)(end - cx->L4)));
    }

    /// <summary>The same for ICMPv6.</summary>
    public static void TranslateIpv6(Packet* packet, CtContext* cx, ConnKey* other, Ipv6Address* src, Ipv6Address* dst, bool quotedSource)
    {
        byte* end = EndOf(packet);
        byte* l3 = cx->L4 + 8;
        byte proto = l3[6];
        if (!CtIpv6Headers.Walk(l3 + 40, end, ref proto, out byte* l4, out _, out _)) return;
        int size = (int)(end - l4);
        if (other->Proto is IpProto.Tcp or IpProto.Udp && size >= 4) ConnNat.WritePorts(l4, size, other->Proto, other->SrcPort, other->DstPort);
        ConnNat.WriteIpv6(l3, l4, size, other->Proto, quotedSource, quotedSource ? src : dst);

        int icmpSize = (int)(end - cx->L4);
        Unsafe.WriteUnaligned(cx->L4 + 2, (ushort)0);
        Unsafe.WriteUnaligned(cx->L4 + 2, InternetChecksum.UpperLayer6(cx->L3, cx->L4, IpProto.Icmpv6, (ushort)icmpSize));
    }

    private static byte* EndOf(Packet* packet) => packet->Data + packet->LengthBytes - packet->L2PadBytes;
}
