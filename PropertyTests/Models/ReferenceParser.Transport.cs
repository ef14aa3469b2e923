using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

internal static partial class ReferenceParser
{
    private static void ParseIpv6(ReadOnlySpan<byte> frame, ParsedFrame p)
    {
        ReadOnlySpan<byte> ip = frame[p.L3..];
        if (ip.Length < 40) return;
        int payload = Wire.U16(ip, 4);
        if (payload + 40 > ip.Length || ip.Length - payload - 40 > 0xffff) return;
        p.End = p.L3 + 40 + payload;
        p.Flow[F.Ip6Src] = Wire.U128(ip, 8);
        p.Flow[F.Ip6Dst] = Wire.U128(ip, 24);
        int at = p.L3 + 40;
        byte proto = ip[6];
        if (!SkipExtensions(frame[..p.End], ref at, ref proto, out int fragment)) return;
        p.L4 = at;
        p.Flow[F.Ip6Label] = Wire.U32(ip, 0) & 0xfffff;
        p.Flow[F.Tos] = (Wire.U32(ip, 0) >> 20) & 0xff;
        p.Flow[F.Ttl] = ip[7];
        p.Flow[F.Proto] = proto;
        p.Flow[F.Frag] = (uint)fragment;
        ParseTransport(frame, p);
    }

    /// <summary>
    /// Walks the extension headers (RFC 8200 section 4, AH RFC 4302). A later fragment ends the walk with protocol 44. False if a header is cut off.
    /// </summary>
    public static bool SkipExtensions(ReadOnlySpan<byte> packet, ref int at, ref byte proto, out int fragment)
    {
        fragment = 0;
        while (proto is 0 or 43 or 60 or 51 or 44)
        {
            if (packet.Length - at < 8) return false;
            byte next = packet[at];
            int size = proto switch
            {
                51 => (packet[at + 1] + 2) * 4,
                44 => 8,
                _ => (packet[at + 1] + 1) * 8,
            };
            if (proto == 44)
            {
                ushort word = Wire.U16(packet, at + 2);
                at += 8;
                proto = next;
                if (word == 0) continue;
                fragment = 1;
                if ((word & 0xfff8) == 0) continue;
                fragment = 3;
                proto = 44;
                return true;
            }

            if (packet.Length - at < size) return false;
            at += size;
            proto = next;
        }

        return true;
    }

    private static void ParseTransport(ReadOnlySpan<byte> frame, ParsedFrame p)
    {
        if (p.Flow.U(F.Frag) == 3) return;
        ReadOnlySpan<byte> l4 = frame[p.L4..p.End];
        switch (p.Flow.U(F.Proto))
        {
            case 6 when l4.Length >= 20 && (l4[12] >> 4) * 4 >= 20 && (l4[12] >> 4) * 4 <= l4.Length:
                p.Flow[F.TcpFlags] = (uint)(Wire.U16(l4, 12) & 0xfff);
                SetPorts(p, l4);
                break;
            case 17 when l4.Length >= 8:
            case 132 when l4.Length >= 12:
                SetPorts(p, l4);
                break;
            case 1 when l4.Length >= 8:
            case 2 when l4.Length >= 8:
                (p.Flow[F.TpSrc], p.Flow[F.TpDst]) = (l4[0], l4[1]);
                break;
            case 58 when l4.Length >= 8:
                (p.Flow[F.TpSrc], p.Flow[F.TpDst]) = (l4[0], l4[1]);
                if (l4[0] is 135 or 136 && l4[1] == 0) ParseNeighbour(l4, p.Flow);
                break;
        }
    }

    /// <summary>The frame has a transport header that is whole; neighbour messages count as none, as they keep other things in that place.</summary>
    public static bool HasTransport(ReadOnlySpan<byte> frame, ParsedFrame p)
    {
        if (p.L4 < 0 || p.Flow.U(F.Frag) == 3) return false;
        ReadOnlySpan<byte> l4 = frame[p.L4..p.End];
        return p.Flow.U(F.Proto) switch
        {
            6 => l4.Length >= 20 && (l4[12] >> 4) * 4 >= 20 && (l4[12] >> 4) * 4 <= l4.Length,
            132 => l4.Length >= 12,
            17 or 1 or 2 => l4.Length >= 8,
            58 => l4.Length >= 8 && !(l4[0] is 135 or 136 && l4[1] == 0),
            _ => false,
        };
    }

    private static void SetPorts(ParsedFrame p, ReadOnlySpan<byte> l4)
    {
        p.Flow[F.TpSrc] = Wire.U16(l4, 0);
        p.Flow[F.TpDst] = Wire.U16(l4, 2);
    }

    /// <summary>Neighbour solicitation and advertisement (RFC 4861 4.3, 4.4); the same address option twice makes all of it unknown.</summary>
    private static void ParseNeighbour(ReadOnlySpan<byte> l4, RefFlow flow)
    {
        if (l4.Length < 24) return;
        flow[F.NdTarget] = Wire.U128(l4, 8);
        int at = 24;
        while (l4.Length - at >= 8)
        {
            int size = l4[at + 1] * 8;
            if (size == 0 || size > l4.Length - at) return;
            if (l4[at] is 1 or 2 && size == 8)
            {
                F slot = l4[at] == 1 ? F.HwSrc : F.HwDst;
                if (flow[slot] != 0)
                {
                    flow[F.NdTarget] = flow[F.HwSrc] = flow[F.HwDst] = 0;
                    return;
                }

                flow[slot] = Wire.Mac(l4, at + 2);
            }

            at += size;
        }
    }
}
