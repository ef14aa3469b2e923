namespace Mergeflow.PropertyTests;

/// <summary>Rewrites ARP and neighbour discovery messages (OVS <c>set_arp</c>, <c>packet_set_nd</c>).</summary>
internal static class NeighbourEdits
{
    public static void SetArp(ReferencePacket p, byte op, ulong sha, uint spa, ulong tha, uint tpa)
    {
        Span<byte> arp = p.Bytes.AsSpan(p.L3);
        Wire.Put16(arp, 6, op);
        Wire.PutMac(arp, 8, sha);
        Wire.Put32(arp, 14, spa);
        Wire.PutMac(arp, 18, tha);
        Wire.Put32(arp, 24, tpa);
    }

    /// <summary>Writes the target and the first link-layer address option; an option that is not there is not added.</summary>
    public static void SetNeighbour(ReferencePacket p, UInt128? target, ulong? source, ulong? destination)
    {
        if (p.L4SizeBytes < 24) return;
        if (target is { } t && t != Wire.U128(p.Bytes, p.L4 + 8)) HeaderEdits.SetIpv6Address(p, p.L4, p.L4, 58, 8, t, hasChecksum: true);
        Span<byte> h = p.L4Bytes;
        for (int at = 24; h.Length - at >= 8 && h[at + 1] != 0; at += h[at + 1] * 8)
        {
            if (h[at] is not (1 or 2) || h[at + 1] != 1) continue;
            ulong old = Wire.Mac(h, at + 2);
            ulong value = (h[at] == 1 ? source : destination) ?? old;
            if (value == old) return;
            Wire.Put16(h, 2, OnesComplement.Update(Wire.U16(h, 2), old, value, 48));
            Wire.PutMac(h, at + 2, value);
            return;
        }
    }
}
