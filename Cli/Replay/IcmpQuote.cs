using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>The packet that an ICMP or ICMPv6 error quotes: its IP header and what it has of TCP or UDP, eight bytes at least (RFC 792, RFC 4443).</summary>
/// <param name="L3Bytes">Offset of the quoted IP header in the frame.</param>
/// <param name="L4Bytes">Offset of the quoted ports.</param>
/// <param name="Tuple">The quoted packet's.</param>
internal readonly record struct IcmpQuote(int L3Bytes, int L4Bytes, FlowTuple Tuple)
{
    private const int IcmpHeaderBytes = 8;
    private const int Ipv4HeaderBytes = 20;
    private const int Ipv6HeaderBytes = 40;
    private const int QuotedBytes = 8;
    private const int FirstIcmpv6Query = 128;

    /// <summary>The quote of a frame; null if it is no error, or what it quotes is not TCP or UDP, is a later fragment or has no ports left.</summary>
    /// <param name="frame">With its Ethernet header.</param>
    /// <param name="l4Bytes">Offset of the ICMP header, or <see cref="Packet.NoOffset"/>.</param>
    /// <param name="key">The frame's headers.</param>
    public static IcmpQuote? Of(ReadOnlySpan<byte> frame, int l4Bytes, in FlowKey key)
    {
        if (l4Bytes == Packet.NoOffset || key.NwFrag != NwFrag.No || frame.Length < l4Bytes + IcmpHeaderBytes) return null;
        bool isIpv6 = key.DlType.Host == EthType.Ipv6;
        byte type = frame[l4Bytes];
        bool isError = isIpv6 ? key.NwProto == IpProto.Icmpv6 && type < FirstIcmpv6Query : key.DlType.Host == EthType.Ip && key.NwProto == IpProto.Icmp && type is 3 or 4 or 5 or 11 or 12;
        int l3 = l4Bytes + IcmpHeaderBytes;
        ReadOnlySpan<byte> ip = frame[l3..];
        if (!isError || ip.Length < (isIpv6 ? Ipv6HeaderBytes : Ipv4HeaderBytes) + QuotedBytes || ip[0] >> 4 != (isIpv6 ? 6 : 4)) return null;
        int headerBytes = isIpv6 ? Ipv6HeaderBytes : (ip[0] & 15) * 4;
        byte protocol = isIpv6 ? ip[6] : ip[9];
        bool isLater = !isIpv6 && (BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) & 0x1fff) != 0;
        if (headerBytes < Ipv4HeaderBytes || ip.Length < headerBytes + QuotedBytes || isLater || protocol is not (IpProto.Tcp or IpProto.Udp)) return null;
        ushort sourcePort = BinaryPrimitives.ReadUInt16BigEndian(ip[headerBytes..]), destinationPort = BinaryPrimitives.ReadUInt16BigEndian(ip[(headerBytes + 2)..]);
        return new IcmpQuote(l3, l3 + headerBytes, isIpv6
            ? new FlowTuple(true, protocol, BinaryPrimitives.ReadUInt128BigEndian(ip[8..]), BinaryPrimitives.ReadUInt128BigEndian(ip[24..]), sourcePort, destinationPort)
            : new FlowTuple(false, protocol, BinaryPrimitives.ReadUInt32BigEndian(ip[12..]), BinaryPrimitives.ReadUInt32BigEndian(ip[16..]), sourcePort, destinationPort));
    }

    /// <summary>Makes it quote another tuple. The quoted checksums, as far as they are there, change with it as a translation changes them; the ICMP checksum is left as it is.</summary>
    public void Rewrite(Span<byte> frame, FlowTuple to)
    {
        bool isUdp = Tuple.Protocol == IpProto.Udp;
        int sumAt = L4Bytes + (isUdp ? 6 : 16), addressesAt = L3Bytes + (Tuple.IsIpv6 ? 8 : 12), size = Tuple.AddressBytes;
        bool hasSum = frame.Length >= sumAt + 2 && !(isUdp && frame[sumAt] == 0 && frame[sumAt + 1] == 0);
        Span<byte> addresses = frame.Slice(addressesAt, 2 * size), ports = frame.Slice(L4Bytes, 4);
        uint before = InternetChecksum.Sum(addresses, InternetChecksum.Sum(ports));
        uint addressesBefore = InternetChecksum.Sum(addresses);
        if (Tuple.IsIpv6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(addresses, to.Source);
            BinaryPrimitives.WriteUInt128BigEndian(addresses[16..], to.Destination);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(addresses, (uint)to.Source);
            BinaryPrimitives.WriteUInt32BigEndian(addresses[4..], (uint)to.Destination);
        }

        BinaryPrimitives.WriteUInt16BigEndian(ports, to.SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(ports[2..], to.DestinationPort);
        if (!Tuple.IsIpv6) Change(frame[(L3Bytes + 10)..], addressesBefore, InternetChecksum.Sum(addresses), false);
        if (hasSum) Change(frame[sumAt..], before, InternetChecksum.Sum(addresses, InternetChecksum.Sum(ports)), isUdp);
    }

    /// <summary>RFC 1624: the checksum after what it sums up has changed from one sum to another.</summary>
    private static void Change(Span<byte> checksum, uint before, uint after, bool isUdp)
    {
        ushort sum = InternetChecksum.Recalc16(BinaryPrimitives.ReadUInt16LittleEndian(checksum), (ushort)~InternetChecksum.Fold(before), (ushort)~InternetChecksum.Fold(after));
        BinaryPrimitives.WriteUInt16LittleEndian(checksum, isUdp ? InternetChecksum.UdpOnWire(sum) : sum);
    }
}
