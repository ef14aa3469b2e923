using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <content>Network and transport headers, scalar.</content>
public static unsafe partial class MiniflowExtractor
{
    private const byte HopByHop = 0;
    private const byte Routing = 43;
    private const byte Fragment = 44;
    private const byte AuthenticationHeader = 51;
    private const byte DestinationOptions = 60;

    /// <summary>Version and checksum are not looked at; a length that does not fit leaves all network fields zero.</summary>
    private static void ParseIpv4(Packet* packet, FlowKey* key, byte* frame, int position, int size)
    {
        byte* ip = frame + position;
        int available = size - position;
        if (available < Ipv4HeaderSizeBytes) return;
        int headerSize = (ip[0] & 0x0f) * 4;
        int totalLength = Load16(ip + 2);
        if (headerSize < Ipv4HeaderSizeBytes || totalLength > available || headerSize > totalLength) return;

        packet->L2PadBytes = (ushort)(available - totalLength);
        packet->L4Offset = (ushort)(position + headerSize);
        key->NwTos = ip[1];
        key->NwTtl = ip[8];
        key->NwProto = ip[9];
        key->NwSrc = new Be32(Unsafe.ReadUnaligned<uint>(ip + 12));
        key->NwDst = new Be32(Unsafe.ReadUnaligned<uint>(ip + 16));
        ushort fragment = Load16(ip + 6);
        if ((fragment & 0x3fff) != 0) key->NwFrag = (fragment & 0x1fff) != 0 ? NwFrag.Any | NwFrag.Later : NwFrag.Any;
        if ((key->NwFrag & NwFrag.Later) == 0) ParseTransport(key, ip + headerSize, totalLength - headerSize);
    }

    private static void ParseIpv6(Packet* packet, FlowKey* key, byte* frame, int position, int size)
    {
        byte* ip = frame + position;
        int available = size - position - Ipv6HeaderSizeBytes;
        if (available < 0) return;
        int payloadLength = Load16(ip + 4);
        if (payloadLength > available) return;

        packet->L2PadBytes = (ushort)(available - payloadLength);
        key->Ipv6Src = Unsafe.ReadUnaligned<Ipv6Address>(ip + 8);
        key->Ipv6Dst = Unsafe.ReadUnaligned<Ipv6Address>(ip + 24);
        byte* next = ip + Ipv6HeaderSizeBytes;
        int remaining = payloadLength;
        byte proto = ip[6];
        NwFrag frag = NwFrag.No;
        if (!SkipExtensionHeaders(ref next, ref remaining, ref proto, ref frag)) return;

        packet->L4Offset = (ushort)(next - frame);
        key->Ipv6Label = new Be32(Unsafe.ReadUnaligned<uint>(ip) & Be32.FromHost(0xfffff).Raw);
        key->NwTos = (byte)(Load16(ip) >> 4);
        key->NwTtl = ip[7];
        key->NwProto = proto;
        key->NwFrag = frag;
        if ((frag & NwFrag.Later) == 0) ParseTransport(key, next, remaining);
    }

    /// <summary>False if a header is cut off. A later fragment ends the walk with protocol 44 (OVS <c>parse_ipv6_ext_hdrs</c>).</summary>
    private static bool SkipExtensionHeaders(ref byte* next, ref int remaining, ref byte proto, ref NwFrag frag)
    {
        while (proto is HopByHop or Routing or Fragment or AuthenticationHeader or DestinationOptions)
        {
            if (remaining < 8) return false;
            byte* header = next;
            byte current = proto;
            int headerSize = current switch
            {
                Fragment => 8,
                AuthenticationHeader => (header[1] + 2) * 4,
                _ => (header[1] + 1) * 8,
            };
            proto = header[0];
            if (remaining < headerSize) return false;
            next += headerSize;
            remaining -= headerSize;
            if (current != Fragment) continue;

            // OVS tests the whole word, reserved bits included; an all-zero one is an atomic fragment and counts as none.
            ushort offset = Load16(header + 2);
            if (offset == 0) continue;
            frag = NwFrag.Any;
            if ((offset & 0xfff8) == 0) continue;
            frag |= NwFrag.Later;
            proto = Fragment;
            return true;
        }

        return true;
    }

    /// <summary>Ports, or type and code; a header that is cut off leaves them zero. The protocol alone decides, not the IP version.</summary>
    private static void ParseTransport(FlowKey* key, byte* l4, int size)
    {
        switch (key->NwProto)
        {
            case IpProto.Tcp:
                int tcpHeaderSize = size >= 20 ? (l4[12] >> 4) * 4 : 0;
                if (tcpHeaderSize < 20 || tcpHeaderSize > size) return;
                SetPorts(key, l4);
                key->TcpFlags = Be16.FromHost((ushort)(Load16(l4 + 12) & 0x0fff));
                return;
            case IpProto.Udp when size >= 8:
            case IpProto.Sctp when size >= 12:
                SetPorts(key, l4);
                return;
            case IpProto.Icmp when size >= 8:
            case IpProto.Igmp when size >= 8:
                SetTypeCode(key, l4);
                return;
            case IpProto.Icmpv6 when size >= 8:
                SetTypeCode(key, l4);
                if (l4[0] is 135 or 136 && l4[1] == 0) ParseNeighbourDiscovery(key, l4 + 8, size - 8);
                return;
        }
    }

    /// <summary>Target and link-layer address options (RFC 4861); an option given twice makes all of them void.</summary>
    private static void ParseNeighbourDiscovery(FlowKey* key, byte* body, int size)
    {
        if (size < 16) return;
        key->NdTarget = Unsafe.ReadUnaligned<Ipv6Address>(body);
        byte* option = body + 16;
        size -= 16;
        while (size >= 8)
        {
            int optionSize = option[1] * 8;
            if (optionSize == 0 || optionSize > size) return;
            if (optionSize == 8 && option[0] is 1 or 2)
            {
                ref EthAddress slot = ref option[0] == 1 ? ref key->ArpSha : ref key->ArpTha;
                if (slot != default)
                {
                    key->NdTarget = default;
                    key->ArpSha = default;
                    key->ArpTha = default;
                    return;
                }

                slot = Unsafe.ReadUnaligned<EthAddress>(option + 2);
            }

            option += optionSize;
            size -= optionSize;
        }
    }

    private static void SetPorts(FlowKey* key, byte* l4)
    {
        key->TpSrc = new Be16(Unsafe.ReadUnaligned<ushort>(l4));
        key->TpDst = new Be16(Unsafe.ReadUnaligned<ushort>(l4 + 2));
    }

    private static void SetTypeCode(FlowKey* key, byte* l4)
    {
        key->TpSrc = Be16.FromHost(l4[0]);
        key->TpDst = Be16.FromHost(l4[1]);
    }
}
