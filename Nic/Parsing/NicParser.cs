using System.Buffers.Binary;

namespace Mergeflow.Nic;


/// <summary>
/// The device's header parser: Ethernet, up to two tags, LLC/SNAP, MPLS, IPv4, IPv6, TCP, UDP, ICMP, ICMPv6 with neighbour discovery, ARP.
/// Written apart from the datapath's on purpose. Every read is bounds-checked; what is cut or not sane leaves its header bit clear and
/// its fields zero, so that a rule with the item does not match and the frame goes to software.
/// </summary>
public static partial class NicParser
{
    private const int EthernetSize = 14;
    private const ushort Ieee8023Type = 0x05ff;
    private const int MaxLabels = 3;

    /// <summary>Parses <paramref name="frame"/> into a key that starts all zero.</summary>
    /// <param name="frame">The frame without FCS.</param>
    /// <param name="port">Ingress port.</param>
    /// <param name="vlanTags">Most tags to take off.</param>
    /// <param name="verifyChecksums">Whether checksums are verified.</param>
    /// <param name="key">Receives the fields; overwritten.</param>
    /// <param name="parsed">Receives offsets and verdicts.</param>
    /// <returns>False if the frame has no whole Ethernet header: it cannot match any rule.</returns>
    public static bool Parse(ReadOnlySpan<byte> frame, uint port, int vlanTags, bool verifyChecksums, ref NicKey key, out NicParsed parsed)
    {
        parsed = default;
        Span<byte> k = key.Bytes;
        k.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(k[16..], port);
        if (frame.Length < EthernetSize) return false;

        frame[..12].CopyTo(k);
        int at = 12;
        for (int n = 0; n < vlanTags && IsTag(frame, at) && frame.Length >= at + 6; n++, at += 4)
        {
            frame.Slice(at, 4).CopyTo(k[(20 + (4 * n))..]);
            parsed.Headers |= n == 0 ? NicHeaders.Vlan : NicHeaders.Vlan2;
        }
        int link = at + 2;
        ushort type = EtherType(frame, ref at);
        parsed.IsSnap = at != link;
        BinaryPrimitives.WriteUInt16BigEndian(k[12..], type);
        parsed.NetworkOffset = at;
        switch (type)
        {
            case 0x0800:
                ParseIpv4(frame, at, verifyChecksums, k, ref parsed);
                break;
            case 0x86dd:
                ParseIpv6(frame, at, verifyChecksums, k, ref parsed);
                break;
            case 0x8847 or 0x8848:
                ParseMpls(frame, at, k, ref parsed);
                break;
            case 0x0806 or 0x8035:
                ParseArp(frame, at, k, ref parsed);
                break;
        }
        BinaryPrimitives.WriteUInt16BigEndian(k[14..], (ushort)parsed.Headers);
        return true;
    }

    private static bool IsTag(ReadOnlySpan<byte> frame, int at)
        => BinaryPrimitives.ReadUInt16BigEndian(frame[at..]) is 0x8100 or 0x88a8;

    /// <summary>Ethernet II type, or the type inside LLC/SNAP with OUI 0 (IEEE 802.3); moves behind it.</summary>
    private static ushort EtherType(ReadOnlySpan<byte> frame, ref int at)
    {
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(frame[at..]);
        at += 2;
        if (type >= 0x0600) return type;
        if (frame.Length < at + 8 || !frame.Slice(at, 6).SequenceEqual((ReadOnlySpan<byte>)[0xaa, 0xaa, 3, 0, 0, 0])) return Ieee8023Type;
        type = BinaryPrimitives.ReadUInt16BigEndian(frame[(at + 6)..]);
        at += 8;
        return type >= 0x0600 ? type : Ieee8023Type;
    }

    private static void ParseMpls(ReadOnlySpan<byte> frame, int at, Span<byte> k, ref NicParsed parsed)
    {
        for (int n = 0; n < MaxLabels && frame.Length >= at + 4; n++, at += 4)
        {
            frame.Slice(at, 4).CopyTo(k[(96 + (4 * n))..]);
            parsed.Headers |= NicHeaders.Mpls;
            if ((frame[at + 2] & 1) != 0) break;
        }
    }

    private static void ParseArp(ReadOnlySpan<byte> frame, int at, Span<byte> k, ref NicParsed parsed)
    {
        if (frame.Length < at + 28) return;
        ReadOnlySpan<byte> arp = frame.Slice(at, 28);
        // Ethernet, IPv4, lengths 6 and 4, and an operation of 8 bits.
        if (!arp[..7].SequenceEqual((ReadOnlySpan<byte>)[0, 1, 8, 0, 6, 4, 0])) return;
        parsed.Headers |= NicHeaders.Arp;
        arp.Slice(6, 2).CopyTo(k[52..]);
        arp.Slice(8, 6).CopyTo(k[112..]);
        arp.Slice(14, 4).CopyTo(k[36..]);
        arp.Slice(18, 6).CopyTo(k[118..]);
        arp.Slice(24, 4).CopyTo(k[40..]);
    }
}
