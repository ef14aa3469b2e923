namespace Mergeflow.PropertyTests;

/// <summary>
/// Writes header fields of a packet and moves its checksums along by the difference (RFC 1624), so a wrong checksum stays wrong by as much.
/// </summary>
internal static class HeaderEdits
{
    public static void SetIpv4Address(ReferencePacket p, bool source, uint address)
    {
        Span<byte> ip = p.L3Bytes;
        int at = source ? 12 : 16;
        uint old = Wire.U32(ip, at);
        p.CachedConn = null;
        bool isLater = (Wire.U16(ip, 6) & 0x1fff) != 0;
        if (ip[9] is 6 or 17 && (!isLater || p.DamagesLaterFragments)) UpdateTransport(p, p.L4, ip[9], old, address, 32);
        Wire.Put16(ip, 10, OnesComplement.Update(Wire.U16(ip, 10), old, address, 32));
        Wire.Put32(ip, at, address);
    }

    /// <summary><paramref name="proto"/> says whose checksum covers the address; <paramref name="hasChecksum"/> false if none does here.</summary>
    public static void SetIpv6Address(ReferencePacket p, int l3, int l4, byte proto, int at, UInt128 address, bool hasChecksum)
    {
        Span<byte> ip = p.Bytes.AsSpan(l3);
        if (hasChecksum && proto is 6 or 17 or 58) UpdateTransport(p, l4, proto, Wire.U128(ip, at), address, 128);
        Wire.Put128(ip, at, address);
        p.CachedConn = null;
    }

    public static void SetTos(ReferencePacket p, byte tos) => SetIpv4Byte(p, 1, tos, 0);

    public static void SetTtl(ReferencePacket p, byte ttl) => SetIpv4Byte(p, 8, ttl, 8);

    /// <summary>Ports of a TCP or UDP header at <paramref name="l4"/>; what of it is not in the packet stays as it is.</summary>
    public static void SetPorts(ReferencePacket p, int l4, byte proto, ushort src, ushort dst)
    {
        Span<byte> h = p.Bytes.AsSpan(l4..p.End);
        int checksumAt = proto == 6 ? 16 : 6;
        bool hasChecksum = h.Length >= checksumAt + 2 && !(proto == 17 && Wire.U16(h, 6) == 0);
        for (int side = 0; side < 2; side++)
        {
            ushort value = side == 0 ? src : dst;
            ushort old = Wire.U16(h, 2 * side);
            if (old == value) continue;
            if (hasChecksum) Wire.Put16(h, checksumAt, OnesComplement.Update(Wire.U16(h, checksumAt), old, value, 16));
            Wire.Put16(h, 2 * side, value);
        }

        if (hasChecksum && proto == 17 && Wire.U16(h, 6) == 0) Wire.Put16(h, 6, 0xffff);
        p.CachedConn = null;
    }

    public static void SetIcmp(ReferencePacket p, byte type, byte code)
    {
        Span<byte> h = p.L4Bytes;
        ushort old = Wire.U16(h, 0), value = (ushort)((type << 8) | code);
        p.CachedConn = null;
        if (old == value) return;
        Wire.Put16(h, 0, value);
        Wire.Put16(h, 2, OnesComplement.Update(Wire.U16(h, 2), old, value, 16));
    }

    /// <summary>Inserts a tag behind the addresses; the CFI bit goes out as 0.</summary>
    public static void PushVlan(ReferencePacket p, ushort tpid, ushort tci)
    {
        byte[] tag = new byte[4];
        Wire.Put16(tag, 0, tpid);
        Wire.Put16(tag, 2, tci & ~0x1000u);
        p.Bytes = [.. p.Bytes[..12], .. tag, .. p.Bytes[12..]];
        Shift(p, 4);
    }

    public static void PopVlan(ReferencePacket p)
    {
        if (p.Bytes.Length < 18 || Wire.U16(p.Bytes, 12) is not (0x8100 or 0x88a8)) return;
        p.Bytes = [.. p.Bytes[..12], .. p.Bytes[16..]];
        Shift(p, -4);
    }

    private static void Shift(ReferencePacket p, int by)
    {
        if (p.L3 >= 0) p.L3 += by;
        if (p.L4 >= 0) p.L4 += by;
    }

    private static void SetIpv4Byte(ReferencePacket p, int at, byte value, int shift)
    {
        Span<byte> ip = p.L3Bytes;
        if (ip[at] == value) return;
        Wire.Put16(ip, 10, OnesComplement.Update(Wire.U16(ip, 10), (uint)(ip[at] << shift), (uint)(value << shift), 16));
        ip[at] = value;
    }

    /// <summary>The TCP, UDP or ICMPv6 checksum covers a word that changed; UDP without checksum stays so, and a sum of 0 is sent as 0xffff.</summary>
    private static void UpdateTransport(ReferencePacket p, int l4, byte proto, UInt128 old, UInt128 value, int bits)
    {
        if (l4 < 0) return;
        Span<byte> h = p.Bytes.AsSpan(l4..p.End);
        (int at, int header) = proto switch { 6 => (16, 20), 17 => (6, 8), _ => (2, 4) };
        if (h.Length < header || (proto == 17 && Wire.U16(h, at) == 0)) return;
        ushort sum = OnesComplement.Update(Wire.U16(h, at), old, value, bits);
        Wire.Put16(h, at, proto == 17 && sum == 0 ? (ushort)0xffff : sum);
    }
}
