using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>Frames that carry BFD messages (RFC 5881): Ethernet, IPv4, UDP to port 3784.</summary>
public static class BfdFrame
{
    private const int EthernetBytes = 14;
    private const int Ipv4Bytes = 20;
    private const int UdpBytes = 8;
    private const ushort Port = 3784;
    private const byte Ttl = 255;

    /// <summary>The frame of a message.</summary>
    /// <param name="message">What it carries.</param>
    /// <param name="options">Addresses.</param>
    /// <param name="portMac">Ethernet address of the port.</param>
    /// <param name="sourcePort">UDP source, the same for all of a session (RFC 5881, 4).</param>
    public static byte[] Write(in BfdMessage message, BfdOptions options, ulong portMac, ushort sourcePort)
    {
        const byte internetControl = 0xc0;
        byte[] frame = new byte[EthernetBytes + Ipv4Bytes + UdpBytes + BfdMessage.LengthBytes];
        EthAddress.FromUInt64(options.Destination).CopyTo(frame);
        EthAddress.FromUInt64(options.LocalMac != 0 ? options.LocalMac : portMac).CopyTo(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x0800);
        Span<byte> ip = frame.AsSpan(EthernetBytes), udp = ip[Ipv4Bytes..];
        (ip[0], ip[1], ip[8], ip[9]) = (0x45, internetControl, Ttl, 17);
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], options.SourceAddress);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], options.DestinationAddress);
        System.Runtime.InteropServices.MemoryMarshal.Write(ip[10..], InternetChecksum.Compute(ip[..Ipv4Bytes]));
        BinaryPrimitives.WriteUInt16BigEndian(udp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], Port);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        message.Write(udp[UdpBytes..]);
        return frame;
    }

    /// <summary>What a frame carries; empty if it is no whole one, or has not come straight from the peer (TTL 255).</summary>
    public static ReadOnlySpan<byte> PayloadOf(ReadOnlySpan<byte> frame)
    {
        int at = EthernetBytes;
        if (frame.Length < at) return default;
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        for (int tags = 0; tags < 2 && type is 0x8100 or 0x88a8 && frame.Length >= at + 4; tags++)
        {
            type = BinaryPrimitives.ReadUInt16BigEndian(frame[(at + 2)..]);
            at += 4;
        }

        if (type != 0x0800 || frame.Length < at + Ipv4Bytes) return default;
        ReadOnlySpan<byte> ip = frame[at..];
        int header = (ip[0] & 15) * 4, total = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]);
        if (header < Ipv4Bytes || total < header + UdpBytes || total > ip.Length || ip[8] != Ttl || ip[9] != 17) return default;
        return ip[(header + UdpBytes)..total];
    }
}
