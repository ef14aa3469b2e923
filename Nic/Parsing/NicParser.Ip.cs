using System.Buffers.Binary;

namespace Mergeflow.Nic;


/// <content>IPv4 (RFC 791), IPv6 (RFC 8200) and what they carry.</content>
public static partial class NicParser
{
    private const byte Icmp = 1;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const byte Icmp6 = 58;
    private const int TcpSize = 20;
    private const int UdpSize = 8;
    private const int IcmpSize = 8;

    private static void ParseIpv4(ReadOnlySpan<byte> frame, int at, bool verify, Span<byte> k, ref NicParsed parsed)
    {
        int left = frame.Length - at;
        if (left < 20) return;
        int headerLength = (frame[at] & 0x0f) * 4;
        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(frame[(at + 2)..]);
        if (headerLength < 20 || headerLength > totalLength || totalLength > left) return;

        ReadOnlySpan<byte> header = frame.Slice(at, headerLength);
        parsed.Headers |= NicHeaders.Ipv4;
        parsed.TransportOffset = at + headerLength;
        parsed.TransportLength = totalLength - headerLength;
        k[32] = header[9];
        k[33] = header[1];
        k[34] = header[8];
        header.Slice(12, 8).CopyTo(k[36..]);
        ushort fragment = BinaryPrimitives.ReadUInt16BigEndian(header[6..]);
        bool later = (fragment & 0x1fff) != 0;
        k[29] = (byte)((fragment & 0x3fff) == 0 ? 0 : later ? 3 : 1);
        if (verify)
        {
            bool good = NicChecksum.Fold(NicChecksum.Add(0, header)) == 0xffff;
            parsed.RxFlags |= good ? NicRxFlags.IpCsumGood : NicRxFlags.IpCsumBad;
            if (good) k[28] |= NicKey.Ipv4CsumOk;
        }
        if (later) return;
        ReadOnlySpan<byte> payload = frame.Slice(parsed.TransportOffset, parsed.TransportLength);
        ParseTransport(payload, header[9], isIpv6: false, k, ref parsed);
        if (verify && k[29] == 0) VerifyTransport(payload, header[9], header.Slice(12, 8), isIpv6: false, k, ref parsed);
    }

    private static void ParseIpv6(ReadOnlySpan<byte> frame, int at, bool verify, Span<byte> k, ref NicParsed parsed)
    {
        if (frame.Length < at + 40) return;
        ReadOnlySpan<byte> header = frame.Slice(at, 40);
        int payloadLength = BinaryPrimitives.ReadUInt16BigEndian(header[4..]);
        byte proto = header[6];
        if (payloadLength > frame.Length - at - 40 || proto is 0 or 43 or 44 or 51 or 60) return;

        parsed.Headers |= NicHeaders.Ipv6;
        parsed.TransportOffset = at + 40;
        parsed.TransportLength = payloadLength;
        uint word = BinaryPrimitives.ReadUInt32BigEndian(header);
        k[28] |= NicKey.Ipv4CsumOk;
        k[32] = proto;
        k[33] = (byte)(word >> 20);
        k[34] = header[7];
        BinaryPrimitives.WriteUInt32BigEndian(k[56..], word & 0xf_ffff);
        header.Slice(8, 32).CopyTo(k[64..]);
        ReadOnlySpan<byte> payload = frame.Slice(parsed.TransportOffset, payloadLength);
        ParseTransport(payload, proto, isIpv6: true, k, ref parsed);
        if (verify) VerifyTransport(payload, proto, header.Slice(8, 32), isIpv6: true, k, ref parsed);
    }

    private static void ParseTransport(ReadOnlySpan<byte> payload, byte proto, bool isIpv6, Span<byte> k, ref NicParsed parsed)
    {
        switch (proto)
        {
            case Tcp when payload.Length >= TcpSize:
                parsed.Checksum = NicChecksumKind.Tcp;
                int headerLength = (payload[12] >> 4) * 4;
                if (headerLength < TcpSize || headerLength > payload.Length) return;
                parsed.Headers |= NicHeaders.Tcp;
                payload[..4].CopyTo(k[44..]);
                k[48] = (byte)(payload[12] & 0x0f);
                k[49] = payload[13];
                break;
            case Udp when payload.Length >= UdpSize:
                parsed.Checksum = NicChecksumKind.Udp;
                parsed.Headers |= NicHeaders.Udp;
                payload[..4].CopyTo(k[44..]);
                break;
            case Icmp when !isIpv6 && payload.Length >= IcmpSize:
                parsed.Headers |= NicHeaders.Icmp;
                payload[..2].CopyTo(k[50..]);
                break;
            case Icmp6 when isIpv6 && payload.Length >= 4:
                parsed.Checksum = NicChecksumKind.Icmp6;
                if (payload.Length < IcmpSize) return;
                parsed.Headers |= NicHeaders.Icmp6;
                payload[..2].CopyTo(k[50..]);
                if (payload[0] is 135 or 136 && payload[1] == 0) ParseNd(payload, k, ref parsed);
                break;
        }
    }

    /// <summary>RFC 4861: target and link-layer address options. An option given twice leaves the Nd bit clear.</summary>
    private static void ParseNd(ReadOnlySpan<byte> message, Span<byte> k, ref NicParsed parsed)
    {
        if (message.Length < 24) return;
        Span<byte> sll = stackalloc byte[6];
        Span<byte> tll = stackalloc byte[6];
        ReadOnlySpan<byte> options = message[24..];
        while (options.Length >= 8)
        {
            int length = options[1] * 8;
            if (length == 0 || length > options.Length) break;
            if (options[0] is 1 or 2 && length == 8)
            {
                Span<byte> address = options[0] == 1 ? sll : tll;
                if (address.ContainsAnyExcept((byte)0)) return;
                options.Slice(2, 6).CopyTo(address);
            }
            options = options[length..];
        }
        parsed.Headers |= NicHeaders.Nd;
        message.Slice(8, 16).CopyTo(k[96..]);
        sll.CopyTo(k[112..]);
        tll.CopyTo(k[118..]);
    }

    private static void VerifyTransport(ReadOnlySpan<byte> payload, byte proto, ReadOnlySpan<byte> addresses, bool isIpv6, Span<byte> k, ref NicParsed parsed)
    {
        bool pseudo = true;
        switch (proto)
        {
            // A data offset outside the segment is a broken header, whatever its checksum says.
            case Tcp when payload.Length >= TcpSize && (payload[12] >> 4) * 4 is int header && header >= TcpSize && header <= payload.Length:
            case Icmp6 when isIpv6 && payload.Length >= IcmpSize:
                break;
            case Udp when payload.Length >= UdpSize && BinaryPrimitives.ReadUInt16BigEndian(payload[4..]) == payload.Length:
                // RFC 768: zero means that the sender made none; RFC 8200 does not allow it over IPv6.
                if (!isIpv6 && payload[6] == 0 && payload[7] == 0)
                {
                    Verdict(true, k, ref parsed);
                    return;
                }
                break;
            case Icmp when !isIpv6 && payload.Length >= IcmpSize:
                pseudo = false;
                break;
            default:
                return;
        }
        ulong sum = NicChecksum.Add(0, payload);
        if (pseudo) sum = NicChecksum.Add(sum, addresses) + proto + (uint)payload.Length;
        Verdict(NicChecksum.Fold(sum) == 0xffff, k, ref parsed);
    }

    private static void Verdict(bool good, Span<byte> k, ref NicParsed parsed)
    {
        parsed.RxFlags |= good ? NicRxFlags.L4CsumGood : NicRxFlags.L4CsumBad;
        if (good) k[28] |= NicKey.L4CsumOk;
    }
}
