using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Control;

/// <summary>Frames that ask who has an IP address: an ARP request (RFC 826), or a neighbour solicitation to the solicited-node address (RFC 4861, 4.3; OVS <c>compose_arp</c>, <c>compose_nd_ns</c>).</summary>
public static class NeighborRequest
{
    private const int EthernetBytes = 14;
    private const int ArpBytes = 28;
    private const int Ipv6Bytes = 40;
    private const int SolicitationBytes = 32;
    private const byte HopLimit = 255;
    private const byte SourceLinkAddress = 1;
    private const byte NeighborSolicitation = 135;

    /// <summary>The frame.</summary>
    /// <param name="source">Ethernet address of who asks.</param>
    /// <param name="own">Its IP address; IPv4 in the first four bytes.</param>
    /// <param name="wanted">The address that is asked for.</param>
    /// <param name="isIpv6">Family of both.</param>
    public static byte[] Write(ulong source, in Ipv6Address own, in Ipv6Address wanted, bool isIpv6) => isIpv6 ? Solicitation(source, own.ToUInt128(), wanted.ToUInt128()) : Arp(source, own.ToUInt128(), wanted.ToUInt128());

    private static byte[] Arp(ulong source, UInt128 own, UInt128 wanted)
    {
        const int ipv4Shift = 96;
        const ulong everybody = 0xffff_ffff_ffff;
        byte[] frame = new byte[EthernetBytes + ArpBytes];
        WriteEthernet(frame, everybody, source, EthType.Arp);
        Span<byte> arp = frame.AsSpan(EthernetBytes);
        ReadOnlySpan<byte> request = [0, 1, 8, 0, 6, 4, 0, 1];
        request.CopyTo(arp);
        EthAddress.FromUInt64(source).CopyTo(arp[8..]);
        BinaryPrimitives.WriteUInt32BigEndian(arp[14..], (uint)(own >> ipv4Shift));
        BinaryPrimitives.WriteUInt32BigEndian(arp[24..], (uint)(wanted >> ipv4Shift));
        return frame;
    }

    private static byte[] Solicitation(ulong source, UInt128 own, UInt128 wanted)
    {
        const uint lowestThreeBytes = 0xff_ffff;
        UInt128 group = new UInt128(0xff02_0000_0000_0000, 0x0000_0001_ff00_0000) | (uint)(wanted & lowestThreeBytes);
        byte[] frame = new byte[EthernetBytes + Ipv6Bytes + SolicitationBytes];
        WriteEthernet(frame, 0x3333_0000_0000ul | (uint)group, source, EthType.Ipv6);
        Span<byte> ip = frame.AsSpan(EthernetBytes), message = ip[Ipv6Bytes..];
        (ip[0], ip[6], ip[7]) = (0x60, IpProto.Icmpv6, HopLimit);
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], SolicitationBytes);
        BinaryPrimitives.WriteUInt128BigEndian(ip[8..], own);
        BinaryPrimitives.WriteUInt128BigEndian(ip[24..], group);
        message[0] = NeighborSolicitation;
        BinaryPrimitives.WriteUInt128BigEndian(message[8..], wanted);
        (message[24], message[25]) = (SourceLinkAddress, 1);
        EthAddress.FromUInt64(source).CopyTo(message[26..]);
        ushort checksum = InternetChecksum.UpperLayer6(ip, message, IpProto.Icmpv6);
        MemoryMarshal.Write(message[2..], in checksum);
        return frame;
    }

    private static void WriteEthernet(Span<byte> frame, ulong destination, ulong source, ushort type)
    {
        EthAddress.FromUInt64(destination).CopyTo(frame);
        EthAddress.FromUInt64(source).CopyTo(frame[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], type);
    }
}
