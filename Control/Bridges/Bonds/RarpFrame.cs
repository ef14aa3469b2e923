using System.Buffers.Binary;

namespace Mergeflow.Control.Bridges;

/// <summary>A request by which switches learn where an address is, as nobody answers it (RFC 903; OVS <c>compose_rarp</c>).</summary>
public static class RarpFrame
{
    private const int Macs = 12, TagBytes = 4, ArpBytes = 28;
    private const ushort Vlan = 0x8100, Rarp = 0x8035, Ipv4 = 0x0800, Request = 3;

    /// <summary>A frame from an address to all.</summary>
    /// <param name="mac">The address.</param>
    /// <param name="vlan">VLAN in its tag; 0 = it has none.</param>
    public static byte[] Write(ulong mac, ushort vlan)
    {
        int at = Macs + (vlan == 0 ? 0 : TagBytes);
        byte[] frame = new byte[at + 2 + ArpBytes];
        frame.AsSpan(0, 6).Fill(0xff);
        EthAddress.FromUInt64(mac).CopyTo(frame.AsSpan(6));
        if (vlan != 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(Macs), Vlan);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(Macs + 2), vlan);
        }

        Span<byte> arp = frame.AsSpan(at + 2);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(at), Rarp);
        BinaryPrimitives.WriteUInt16BigEndian(arp, 1);
        BinaryPrimitives.WriteUInt16BigEndian(arp[2..], Ipv4);
        (arp[4], arp[5]) = (6, 4);
        BinaryPrimitives.WriteUInt16BigEndian(arp[6..], Request);
        EthAddress.FromUInt64(mac).CopyTo(arp[8..]);
        EthAddress.FromUInt64(mac).CopyTo(arp[18..]);
        return frame;
    }
}
