namespace Mergeflow.PropertyTests;

internal sealed partial class ReferenceConntrack
{
    private const int MinQuotedL4 = 8;

    /// <summary>The tuple of a whole packet and whether it is an error about another one; null = invalid (OVS <c>conn_key_extract</c>).</summary>
    private static (RefKey Key, bool IsRelated)? Extract(ReferencePacket p, RefFlow flow, int zone)
    {
        if (p.L3 < 0 || p.L4 < 0 || !flow.IsIp) return null;
        ReadOnlySpan<byte> l3 = p.L3Bytes, l4 = p.L4Bytes;
        if (flow.IsIpv4 && OnesComplement.Finish(OnesComplement.Sum(l3[..((l3[0] & 15) * 4)])) != 0) return null;
        if (Addresses(l3, flow.IsIpv6, zone, out _) is not { } key || !IsTransportValid(key, l3, l4)) return null;
        bool isError = key.Proto == (key.IsIpv6 ? 58 : 1) && l4.Length >= 8 && IsErrorType(key.IsIpv6, l4[0]);
        if (!isError) return WithEndpoints(key, l4, MinHeader(key.Proto)) is { } whole ? (whole, false) : null;

        // The tuple of an error is the one it quotes, turned round: it travels against the quoted packet.
        ReadOnlySpan<byte> quoted = l4[8..];
        if (Addresses(quoted, key.IsIpv6, zone, out int innerL4, 0x1fff) is not { } inner || inner.Src.Address != key.Dst.Address) return null;
        int least = key.IsIpv6 ? MinHeader(inner.Proto) : MinQuotedL4;
        bool isErrorAboutError = inner.Proto == (key.IsIpv6 ? 58 : 1) && quoted.Length > innerL4 && IsErrorType(key.IsIpv6, quoted[innerL4]);
        if (isErrorAboutError) return null;
        return WithEndpoints(inner, quoted[innerL4..], least) is { } found ? (found.Reverse(), true) : null;
    }

    /// <summary>Addresses and protocol of an IP header; null if it is cut off or one of the bits of <paramref name="fragment"/> is set (IPv4).</summary>
    private static RefKey? Addresses(ReadOnlySpan<byte> ip, bool isIpv6, int zone, out int l4, int fragment = 0x3fff)
    {
        l4 = 0;
        if (ip.Length < (isIpv6 ? 40 : 20)) return null;
        if (!isIpv6)
        {
            l4 = (ip[0] & 15) * 4;
            if (l4 < 20 || ip.Length < l4 || (Wire.U16(ip, 6) & fragment) != 0) return null;
            return new RefKey(zone, false, ip[9], new(Wire.U32(ip, 12), 0, 0), new(Wire.U32(ip, 16), 0, 0));
        }

        byte proto = ip[6];
        l4 = 40;
        if (!ReferenceParser.SkipExtensions(ip, ref l4, ref proto, out int fragment6) || fragment6 != 0) return null;
        return new RefKey(zone, true, proto, new(Wire.U128(ip, 8), 0, 0), new(Wire.U128(ip, 24), 0, 0));
    }

    private static int MinHeader(byte proto) => proto switch { 6 => 20, 17 or 1 or 58 => 8, _ => 0 };

    /// <summary>Lengths inside the header and the checksum of a packet that is not quoted.</summary>
    private static bool IsTransportValid(RefKey key, ReadOnlySpan<byte> l3, ReadOnlySpan<byte> l4)
    {
        ulong pseudo = OnesComplement.PseudoHeader(l3, key.IsIpv6, key.Proto, l4.Length);
        switch (key.Proto)
        {
            case 6:
                if (l4.Length < 20 || (l4[12] >> 4) * 4 < 20 || (l4[12] >> 4) * 4 > l4.Length) return false;
                break;
            case 17:
                if (l4.Length < 8 || Wire.U16(l4, 4) < 8 || Wire.U16(l4, 4) > l4.Length) return false;
                if (Wire.U16(l4, 6) == 0 && !key.IsIpv6) return true;
                break;
            case 1 when !key.IsIpv6:
                pseudo = 0;
                break;
            case 58 when key.IsIpv6:
                break;
            default:
                return true;
        }

        return OnesComplement.Finish(OnesComplement.Sum(l4, pseudo)) == 0;
    }

    /// <summary>Adds ports or ICMP id; null if the header is too short or says what cannot be tracked.</summary>
    private static RefKey? WithEndpoints(RefKey key, ReadOnlySpan<byte> l4, int leastBytes)
    {
        if (key.HasPorts)
        {
            if (l4.Length < leastBytes) return null;
            ushort src = Wire.U16(l4, 0), dst = Wire.U16(l4, 2);
            if (src == 0 || dst == 0) return null;
            return key with { Src = key.Src with { Port = src }, Dst = key.Dst with { Port = dst } };
        }

        if (key.Proto != (key.IsIpv6 ? 58 : 1)) return key;
        if (l4.Length < leastBytes || !IsQuery(key.IsIpv6, l4[0]) || l4[1] != 0) return null;
        ushort id = Wire.U16(l4, 4);
        return key with
        {
            Src = key.Src with { Port = id, IcmpType = l4[0] },
            Dst = key.Dst with { Port = id, IcmpType = ReverseIcmpType(l4[0]) },
        };
    }

    private static bool IsErrorType(bool isIpv6, byte type) => isIpv6 ? type is 1 or 2 or 3 or 4 : type is 3 or 4 or 5 or 11 or 12;

    private static bool IsQuery(bool isIpv6, byte type) => isIpv6 ? type is 128 or 129 : type is 8 or 0 or 13 or 14 or 15 or 16;

    private static byte ReverseIcmpType(byte type) => type switch
    {
        8 => 0,
        0 => 8,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        128 => 129,
        129 => 128,
        _ => 0,
    };

    /// <summary>May this packet be the first of a connection?</summary>
    private bool MayBegin(ReferencePacket p, RefKey key)
    {
        if (key.Proto is 1 or 58 && p.L4SizeBytes == 0) Ambiguity ??= "the type of a message that is not there";
        byte type = key.Proto is 1 or 58 && p.L4SizeBytes > 0 ? p.L4Bytes[0] : (byte)0;
        return key.Proto switch
        {
            6 => !HasInvalidFlags(Flags(p)) && (Flags(p) & (Syn | Ack)) != (Syn | Ack),
            1 => type is 8 or 13 or 15,
            58 => type is 128,
            _ => true,
        };
    }

    /// <summary>
    /// A fragment is held until its datagram is complete, unless it is not the last and too small: then it is invalid (OVS <c>ipf_is_valid_v4_frag</c>).
    /// </summary>
    private bool IsHeld(ReferencePacket p, RefFlow flow)
    {
        if (flow.IsIpv4)
        {
            ReadOnlySpan<byte> ip = p.L3Bytes;
            bool isLast = (Wire.U16(ip, 6) & 0x2000) == 0;
            return OnesComplement.Finish(OnesComplement.Sum(ip[..((ip[0] & 15) * 4)])) == 0 && (isLast || ip.Length >= _minFragmentV4);
        }

        bool isLater = flow.U(RefField.Frag) == 3;
        ReadOnlySpan<byte> header = p.Bytes.AsSpan(FragmentHeader(p));
        bool hasMore = (header[3] & 1) != 0;
        return (isLater && !hasMore) || p.L3Bytes.Length >= _minFragmentV6;
    }

    private static int FragmentHeader(ReferencePacket p)
    {
        int at = p.L3 + 40;
        for (byte proto = p.Bytes[p.L3 + 6]; proto != 44;)
        {
            byte next = p.Bytes[at];
            at += proto == 51 ? (p.Bytes[at + 1] + 2) * 4 : (p.Bytes[at + 1] + 1) * 8;
            proto = next;
        }

        return at;
    }
}
