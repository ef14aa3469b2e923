using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// From a packet to the tuple of its connection. A value, so that who holds it reads the key of the hash without a detour.
/// </summary>
internal readonly unsafe partial struct ConnKeyReader
{
    /// <summary>More fragments or an offset, as on the wire; the offset alone.</summary>
    private const ushort NotWhole = 0xff3f;
    private const ushort NotFirst = 0xff1f;

    /// <summary>Bytes of a quoted L4 header that ICMP guarantees (RFC 792).</summary>
    private const int QuotedL4Bytes = 8;

    private readonly ConnHash _hash;

    /// <summary>What the fragment field of a quoted packet must not have.</summary>
    private readonly ushort _unquotable;

    public ConnKeyReader(in ConnHash hash, Quirks quirks)
    {
        _hash = hash;
        _unquotable = quirks.QuotedFragmentsAreInvalid ? NotWhole : NotFirst;
    }

    /// <summary>
    /// The tuple to look up, from the bytes of the packet (OVS <c>conn_key_extract</c>); false if the packet cannot be tracked.
    /// </summary>
    public bool TryRead(Packet* packet, ushort zone, CtContext* cx)
    {
        ushort dlType = packet->Key.DlType.Host;
        cx->IsIpv6 = dlType == EthType.Ipv6;
        if (packet->L3Offset == Packet.NoOffset || packet->L4Offset == Packet.NoOffset) return false;
        if (!cx->IsIpv6 && dlType != EthType.Ip) return false;

        byte* end = packet->Data + packet->LengthBytes - packet->L2PadBytes;
        cx->L3 = packet->Data + packet->L3Offset;
        cx->L4 = packet->Data + packet->L4Offset;
        cx->L4SizeBytes = (int)(end - cx->L4);
        cx->Key = default;
        cx->Key.Zone = zone;

        bool ok;
        if (cx->IsIpv6)
        {
            cx->Key.Aux = ConnKey.AuxIpv6;
            ok = ExtractIpv6(cx, cx->L3, end, out _);
        }
        else
        {
            ok = (packet->Flags & PacketFlags.IpCsumBad) == 0
                && ExtractIpv4(cx, cx->L3, end, (packet->Flags & PacketFlags.IpCsumGood) == 0, NotWhole, out _);
        }
        if (!ok || (packet->Flags & PacketFlags.L4CsumBad) != 0) return false;
        if (!ExtractL4(cx, (packet->Flags & PacketFlags.L4CsumGood) == 0)) return false;
        if (cx->IsIpv6)
        {
            cx->Key.Src = _hash.OfAddress(cx->Src6);
            cx->Key.Dst = _hash.OfAddress(cx->Dst6);
        }
        return true;
    }

    /// <summary>
    /// IPv4 header that starts at <paramref name="l3"/>; <paramref name="l4"/> is what follows it. No bit of <paramref name="fragment"/> may be set in flags
    /// and offset (as on the wire).
    /// </summary>
    private static bool ExtractIpv4(CtContext* cx, byte* l3, byte* end, bool validate, ushort fragment, out byte* l4)
    {
        l4 = l3;
        long size = end - l3;
        if (size < CtHeaders.Ipv4Bytes) return false;
        int headerSize = (*l3 & 0x0f) * 4;
        if (headerSize < CtHeaders.Ipv4Bytes || size < headerSize) return false;
        if ((Unsafe.ReadUnaligned<ushort>(l3 + 6) & fragment) != 0) return false;
        if (validate && InternetChecksum.Compute(l3, headerSize) != 0) return false;
        l4 = l3 + headerSize;
        cx->Key.Addrs = Unsafe.ReadUnaligned<ulong>(l3 + 12);
        cx->Key.Proto = l3[9];
        return true;
    }

    /// <summary>IPv6 header and its extension headers.</summary>
    private static bool ExtractIpv6(CtContext* cx, byte* l3, byte* end, out byte* l4)
    {
        l4 = l3;
        if (end - l3 < CtHeaders.Ipv6Bytes) return false;
        byte proto = l3[6];
        if (!CtIpv6Headers.Walk(l3 + CtHeaders.Ipv6Bytes, end, ref proto, out l4, out _, out bool isFragment) || isFragment) return false;
        cx->Src6 = Unsafe.ReadUnaligned<Ipv6Address>(l3 + 8);
        cx->Dst6 = Unsafe.ReadUnaligned<Ipv6Address>(l3 + 24);
        cx->Key.Proto = proto;
        return true;
    }

    /// <summary>Ports, or the id of an ICMP query, or the tuple that an ICMP error quotes.</summary>
    private bool ExtractL4(CtContext* cx, bool validate)
    {
        byte* l4 = cx->L4;
        int size = cx->L4SizeBytes;
        switch (cx->Key.Proto)
        {
            case IpProto.Tcp:
                if (size < CtHeaders.TcpBytes) return false;
                int tcpSize = (l4[12] >> 4) * 4;
                if (tcpSize < CtHeaders.TcpBytes || tcpSize > size) return false;
                return (!validate || IsL4ChecksumRight(cx)) && ExtractPorts(cx, l4);

            case IpProto.Udp:
                if (size < CtHeaders.UdpBytes) return false;
                int udpSize = (l4[4] << 8) | l4[5];
                if (udpSize < CtHeaders.UdpBytes || udpSize > size) return false;
                bool unchecked4 = !cx->IsIpv6 && Unsafe.ReadUnaligned<ushort>(l4 + 6) == 0;
                return (unchecked4 || !validate || IsL4ChecksumRight(cx)) && ExtractPorts(cx, l4);

            case IpProto.Icmp when !cx->IsIpv6:
                if (validate && InternetChecksum.Compute(l4, size) != 0) return false;
                return ExtractIcmp(cx, l4, size, CtHeaders.IcmpBytes, quoted: false);

            case IpProto.Icmpv6 when cx->IsIpv6:
                if (validate && !IsL4ChecksumRight(cx)) return false;
                return ExtractIcmp6(cx, l4, size, quoted: false);

            default:
                return true;
        }
    }

    /// <summary>Port 0 is invalid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ExtractPorts(CtContext* cx, byte* l4)
    {
        uint ports = Unsafe.ReadUnaligned<uint>(l4);
        cx->Key.Ports = ports;
        return (ports & 0xffff) != 0 && ports >> 16 != 0;
    }

    private static bool IsL4ChecksumRight(CtContext* cx)
    {
        uint seed = cx->IsIpv6
            ? InternetChecksum.PseudoHeaderV6(cx->L3 + 8, cx->L3 + 24, cx->Key.Proto, (uint)cx->L4SizeBytes)
            : InternetChecksum.PseudoHeaderV4(cx->L3);
        return InternetChecksum.Fold(InternetChecksum.Sum(cx->L4, cx->L4SizeBytes, seed)) == 0;
    }
}
