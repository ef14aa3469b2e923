namespace Mergeflow.PropertyTests;

/// <summary>Makes Ethernet frames.</summary>
internal static class FrameWriter
{
    public static byte[] Write(FrameSpec s) => [.. Ethernet(s, (ushort)(s.IsIpv6 ? 0x86dd : 0x0800)), .. Network(s), .. new byte[s.PaddingBytes]];

    /// <summary>The network packet alone, as an ICMP error quotes it.</summary>
    public static byte[] Network(FrameSpec s)
    {
        byte[] l4 = Transport(s);
        return s.IsIpv6 ? [.. Ipv6(s, l4.Length), .. l4] : [.. Ipv4(s, l4.Length), .. l4];
    }

    public static byte[] Arp(FrameSpec s, ushort op)
    {
        byte[] a = new byte[28];
        Wire.Put32(a, 0, 0x00010800);
        Wire.Put16(a, 4, 0x0604);
        Wire.Put16(a, 6, op);
        Wire.PutMac(a, 8, s.EthSrc);
        Wire.Put32(a, 14, s.Src);
        Wire.Put32(a, 24, s.Dst);
        return [.. Ethernet(s, 0x0806), .. a];
    }

    /// <summary>Neighbour solicitation for the destination, with a source link-layer address.</summary>
    public static byte[] NeighbourSolicit(FrameSpec s)
    {
        byte[] body = new byte[28];
        Wire.Put128(body, 4, s.Dst);
        body[20] = 1;
        body[21] = 1;
        Wire.PutMac(body, 22, s.EthSrc);
        return Write(s with { IsIpv6 = true, Proto = 58, IcmpType = 135, IcmpId = 0, Payload = body[4..] });
    }

    public static byte[] Ethernet(FrameSpec s, ushort type)
    {
        byte[] b = new byte[14 + (4 * s.Tags.Count)];
        Wire.PutMac(b, 0, s.EthDst);
        Wire.PutMac(b, 6, s.EthSrc);
        for (int i = 0; i < s.Tags.Count; i++)
        {
            Wire.Put16(b, 12 + (4 * i), s.Tags[i].Tpid);
            Wire.Put16(b, 14 + (4 * i), s.Tags[i].Tci);
        }

        Wire.Put16(b, b.Length - 2, type);
        return b;
    }

    private static byte[] Ipv4(FrameSpec s, int l4SizeBytes)
    {
        byte[] b = new byte[20];
        b[0] = 0x45;
        b[1] = s.Tos;
        Wire.Put16(b, 2, (ulong)(20 + l4SizeBytes));
        Wire.Put16(b, 6, s.Fragment);
        b[8] = s.Ttl;
        b[9] = s.Proto;
        Wire.Put32(b, 12, s.Src);
        Wire.Put32(b, 16, s.Dst);
        Wire.Put16(b, 10, (ulong)(OnesComplement.Finish(OnesComplement.Sum(b)) + s.IpChecksumError));
        return b;
    }

    private static byte[] Ipv6(FrameSpec s, int l4SizeBytes)
    {
        int extension = s.Fragment == 0 ? 0 : 8;
        byte[] b = new byte[40 + extension];
        Wire.Put32(b, 0, 0x60000000u | ((uint)s.Tos << 20));
        Wire.Put16(b, 4, (ulong)(l4SizeBytes + extension));
        b[6] = s.Fragment == 0 ? s.Proto : (byte)44;
        b[7] = s.Ttl;
        Wire.Put128(b, 8, s.Src);
        Wire.Put128(b, 24, s.Dst);
        if (s.Fragment == 0) return b;
        b[40] = s.Proto;
        Wire.Put16(b, 42, s.Fragment);
        b[47] = 9;
        return b;
    }

    private static byte[] Transport(FrameSpec s)
    {
        byte[] header = s.Proto switch
        {
            6 => Tcp(s),
            17 => Udp(s),
            1 or 58 => Icmp(s),
            _ => [],
        };
        byte[] l4 = [.. header, .. s.Payload];
        int at = s.Proto switch { 6 => 16, 17 => 6, 1 or 58 => 2, _ => -1 };
        if (at < 0 || s.NoChecksum) return l4;
        byte[] addresses = new byte[32];
        Wire.Put128(addresses, 0, s.Src);
        Wire.Put128(addresses, 16, s.Dst);
        ulong pseudo = s.Proto == 1 ? 0 : OnesComplement.Sum(addresses) + s.Proto + (ulong)l4.Length;
        ushort sum = OnesComplement.Finish(OnesComplement.Sum(l4, pseudo));
        if (s.Proto == 17 && sum == 0) sum = 0xffff;
        Wire.Put16(l4, at, (ulong)(sum + s.ChecksumError));
        return l4;
    }

    private static byte[] Tcp(FrameSpec s)
    {
        byte[] b = new byte[s.Scale is null ? 20 : 24];
        Wire.Put16(b, 0, s.SrcPort);
        Wire.Put16(b, 2, s.DstPort);
        Wire.Put32(b, 4, s.Seq);
        Wire.Put32(b, 8, s.Ack);
        Wire.Put16(b, 12, (ulong)(((b.Length / 4) << 12) | s.TcpFlags));
        Wire.Put16(b, 14, s.Window);
        if (s.Scale is { } scale) (b[20], b[21], b[22], b[23]) = (3, 3, (byte)scale, 1);
        return b;
    }

    private static byte[] Udp(FrameSpec s)
    {
        byte[] b = new byte[8];
        Wire.Put16(b, 0, s.SrcPort);
        Wire.Put16(b, 2, s.DstPort);
        Wire.Put16(b, 4, (ulong)(8 + s.Payload.Length));
        return b;
    }

    private static byte[] Icmp(FrameSpec s)
    {
        byte[] b = new byte[8];
        (b[0], b[1]) = (s.IcmpType, s.IcmpCode);
        Wire.Put16(b, 4, s.IcmpId);
        return b;
    }
}
