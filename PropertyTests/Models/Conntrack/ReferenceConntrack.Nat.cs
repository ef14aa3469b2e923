namespace Mergeflow.PropertyTests;

internal sealed partial class ReferenceConntrack
{
    private const int MaxPortAttempts = 128;
    private RefKey _chosen;

    /// <summary>
    /// The reply tuple of a new translated connection, the first one in order that nobody has (OVS <c>nat_get_unique_tuple</c>); null = none is free.
    /// </summary>
    private RefKey? ChooseReply(RefConn conn, RefNat nat)
    {
        bool source = nat.Source!.Value;
        RefKey k = conn.Forward.Reverse();
        k = source ? k with { Dst = k.Dst with { Address = nat.Address } } : k with { Src = k.Src with { Address = nat.Address } };
        bool isQuery = k.Proto == 1 && !k.IsIpv6;
        if (!k.HasPorts && !isQuery) return Accept(k, conn.Forward);

        if (nat.Port != 0 && !isQuery)
        {
            RefKey wanted = source ? k with { Dst = k.Dst with { Port = nat.Port } } : k with { Src = k.Src with { Port = nat.Port } };
            if (Accept(wanted, conn.Forward) is { } free) return free;
            if (source) return null;
            k = wanted;
        }

        // Without a port range the sender's port is kept; on a clash the next ones are tried, within its class.
        int port = conn.Forward.Src.Port;
        (int min, int max) = port < 512 ? (1, 511) : port < 1024 ? (600, 1023) : (1024, 65535);
        int range = max - min + 1, attempts = Math.Min(range, MaxPortAttempts);
        for (int i = 0; i < attempts; i++)
        {
            RefKey tried = k with { Dst = k.Dst with { Port = (ushort)port } };

            // The identifier of a query is one number, whoever sends it (Open vSwitch since 2026).
            if (isQuery) tried = tried with { Src = k.Src with { Port = (ushort)port } };
            if (Accept(tried, conn.Forward) is { } free) return free;
            port = port < min || port >= max ? min : port + 1;
        }

        if (attempts < range) Ambiguity ??= "more NAT clashes than ports are tried in order";
        return null;
    }

    private RefKey? Accept(RefKey key, RefKey forward)
    {
        _chosen = key;

        // Open vSwitch's two entries for such a connection find each other instead of the connection.
        if (key == forward.Reverse()) Ambiguity ??= "a translation that changes nothing";
        return Find(key) is null ? key : null;
    }

    /// <summary>Translates a packet of a known connection unless this zone did so already (OVS <c>handle_nat</c>).</summary>
    private void HandleNat(ReferencePacket p, RefConn conn, int zone, bool isReply, bool isRelated)
    {
        if (conn.TranslatesSource is null) return;
        bool was = (p.CtState & RefCtBits.AnyNat) != 0;
        if (was && p.CtZone == zone) return;
        p.CtState &= ~RefCtBits.AnyNat;
        Translate(p, conn, isReply, isRelated);
    }

    /// <summary>Makes the packet look as the other end must see it: the reversed tuple of the other direction.</summary>
    private void Translate(ReferencePacket p, RefConn conn, bool isReply, bool isRelated)
    {
        bool source = conn.TranslatesSource!.Value != isReply;
        RefKey other = isReply ? conn.Forward : conn.Reply;
        p.CtState |= source ? RefCtBits.SNat : RefCtBits.DNat;
        UInt128 address = source ? other.Dst.Address : other.Src.Address;


        // Open vSwitch takes the connection's protocol here, also for an ICMPv6 error: a word of the error is then changed as if it were a
        // TCP or UDP checksum. Recorded so.
        if (other.IsIpv6) HeaderEdits.SetIpv6Address(p, p.L3, p.L4, other.Proto, source ? 8 : 24, address, hasChecksum: true);
        else HeaderEdits.SetIpv4Address(p, source, (uint)address);

        if (isRelated) TranslateQuoted(p, other, quotedSource: !source);
        else if (other.HasPorts) HeaderEdits.SetPorts(p, p.L4, other.Proto, other.Dst.Port, other.Src.Port);
        else if (other.Proto == 1 && !other.IsIpv6) SetQueryId(p, p.L4, other.Src.Port);
    }

    private static void SetQueryId(ReferencePacket p, int l4, ushort id)
    {
        Span<byte> icmp = p.Bytes.AsSpan(l4);
        ushort old = Wire.U16(icmp, 4);
        if (old == id) return;
        Wire.Put16(icmp, 4, id);
        Wire.Put16(icmp, 2, OnesComplement.Update(Wire.U16(icmp, 2), old, id, 16));
    }

    /// <summary>The packet that an ICMP error quotes travelled the other way: it is translated there, and the error's checksum is made anew.</summary>
    private static void TranslateQuoted(ReferencePacket p, RefKey other, bool quotedSource)
    {
        int l3 = p.L4 + 8;
        Span<byte> quoted = p.Bytes.AsSpan(l3..p.End);
        byte proto = other.IsIpv6 ? quoted[6] : quoted[9];
        int l4 = (quoted[0] & 15) * 4;
        if (other.IsIpv6)
        {
            l4 = 40;
            ReferenceParser.SkipExtensions(quoted, ref l4, ref proto, out _);
        }

        ReferencePacket inner = p.Clone();
        (inner.L3, inner.L4) = (l3, l3 + l4);
        if (other.HasPorts) HeaderEdits.SetPorts(inner, inner.L4, other.Proto, other.Src.Port, other.Dst.Port);
        else if (other.Proto == 1 && !other.IsIpv6 && inner.End - inner.L4 >= 8) SetQueryId(inner, inner.L4, other.Src.Port);
        UInt128 address = quotedSource ? other.Src.Address : other.Dst.Address;
        if (other.IsIpv6) HeaderEdits.SetIpv6Address(inner, inner.L3, inner.L4, other.Proto, quotedSource ? 8 : 24, address, hasChecksum: true);
        else HeaderEdits.SetIpv4Address(inner, quotedSource, (uint)address);
        inner.Bytes.CopyTo(p.Bytes, 0);

        Span<byte> error = p.L4Bytes;
        Wire.Put16(error, 2, 0);
        ulong start = other.IsIpv6 ? OnesComplement.PseudoHeader(p.L3Bytes, true, 58, error.Length) : 0;
        Wire.Put16(error, 2, OnesComplement.Finish(OnesComplement.Sum(error, start)));
    }
}
