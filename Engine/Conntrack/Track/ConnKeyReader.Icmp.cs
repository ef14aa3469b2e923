using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

internal readonly unsafe partial struct ConnKeyReader
{
    /// <summary>
    /// ICMP: a query is a connection of its own; an error belongs to the connection it quotes (OVS <c>extract_l4_icmp</c>).
    /// </summary>
    private bool ExtractIcmp(CtContext* cx, byte* l4, int size, int minSize, bool quoted)
    {
        if (size < minSize) return false;
        byte type = l4[0];
        if (ConnKey.TryAuxOfIcmpType(type, ipv6: false, out byte aux))
        {
            if (l4[1] != 0) return false;
            SetIcmpId(cx, l4, aux);
            return true;
        }
        // Unreachable, source quench, redirect, time exceeded, parameter problem. A quoted error is not followed further.
        if (quoted || type is not (3 or 4 or 5 or 11 or 12)) return false;

        byte* inner = l4 + CtHeaders.IcmpBytes;
        byte* end = l4 + size;
        uint outerDst = cx->Key.Dst;

        // A first fragment has the ports: errors about it are how a sender learns the path MTU. OVS does so since 3.6, for IPv4.
        if (!ExtractIpv4(cx, inner, end, validate: false, _unquotable, out byte* innerL4)) return false;
        if (cx->Key.Src != outerDst) return false;
        if (!ExtractQuotedL4(cx, innerL4, (int)(end - innerL4), QuotedL4Bytes)) return false;
        cx->Key = cx->Key.Reverse();
        cx->IcmpRelated = true;
        return true;
    }

    /// <summary>ICMPv6 (OVS <c>extract_l4_icmp6</c>).</summary>
    private bool ExtractIcmp6(CtContext* cx, byte* l4, int size, bool quoted)
    {
        if (size < CtHeaders.IcmpBytes) return false;
        byte type = l4[0];
        if (ConnKey.TryAuxOfIcmpType(type, ipv6: true, out byte aux))
        {
            if (l4[1] != 0) return false;
            SetIcmpId(cx, l4, aux);
            return true;
        }
        // Unreachable, too big, time exceeded, parameter problem.
        if (quoted || type is not (1 or 2 or 3 or 4)) return false;

        byte* inner = l4 + CtHeaders.IcmpBytes;
        byte* end = l4 + size;
        Ipv6Address outerDst = cx->Dst6;
        if (!ExtractIpv6(cx, inner, end, out byte* innerL4)) return false;
        if (cx->Src6 != outerDst) return false;
        if (!ExtractQuotedL4(cx, innerL4, (int)(end - innerL4), 0)) return false;
        cx->ReverseKey();
        cx->IcmpRelated = true;
        return true;
    }

    /// <summary>L4 of a quoted packet: no checksum, and for IPv4 eight bytes are enough; <paramref name="minSize"/> 0 = a whole header.</summary>
    private bool ExtractQuotedL4(CtContext* cx, byte* l4, int size, int minSize) => cx->Key.Proto switch
    {
        IpProto.Tcp => size >= (minSize != 0 ? minSize : CtHeaders.TcpBytes) && ExtractPorts(cx, l4),
        IpProto.Udp => size >= CtHeaders.UdpBytes && ExtractPorts(cx, l4),
        IpProto.Icmp when !cx->IsIpv6 => ExtractIcmp(cx, l4, size, QuotedL4Bytes, quoted: true),
        IpProto.Icmpv6 when cx->IsIpv6 => ExtractIcmp6(cx, l4, size, quoted: true),
        _ => true,
    };

    private static void SetIcmpId(CtContext* cx, byte* l4, byte aux)
    {
        ushort id = Unsafe.ReadUnaligned<ushort>(l4 + 4);
        cx->Key.SrcPort = id;
        cx->Key.DstPort = id;
        cx->Key.Aux |= aux;
    }
}
