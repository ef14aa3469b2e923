using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Mergeflow.Tests;

/// <summary>Frames of multicast: messages of IGMP and MLD byte by byte, as the RFCs have them, and packets to groups.</summary>
internal static class MulticastFrames
{
    /// <summary>IGMPv1 or v2 (RFC 2236), from 10.0.0.9, with a router alert.</summary>
    public static byte[] Igmp(byte type, string group)
    {
        byte[] body = [type, 0, 0, 0, .. IPAddress.Parse(group).GetAddressBytes()];
        return Ipv4(type == 0x11 ? "224.0.0.1" : group, 2, body);
    }

    /// <summary>IGMPv3 membership report (RFC 3376 4.2): type, group and number of sources of each record.</summary>
    public static byte[] IgmpV3(params (byte Type, string Group, int Sources)[] records) => IgmpV3(records.Length, records);

    /// <summary>The same, with another number of records than there are.</summary>
    public static byte[] IgmpV3(int count, params (byte Type, string Group, int Sources)[] records)
    {
        List<byte> body = [0x22, 0, 0, 0, 0, 0, (byte)(count >> 8), (byte)count];
        foreach ((byte type, string group, int sources) in records) body.AddRange([type, 0, 0, (byte)sources, .. IPAddress.Parse(group).GetAddressBytes(), .. new byte[4 * sources]]);
        return Ipv4("224.0.0.22", 2, [.. body]);
    }

    /// <summary>MLDv1 (RFC 2710), or a question of either version, behind a hop-by-hop header.</summary>
    public static byte[] Mld(byte type, string group)
    {
        byte[] body = [type, 0, 0, 0, 0, 0, 0, 0, .. IPAddress.Parse(group).GetAddressBytes()];
        return Ipv6(type == 130 ? "ff02::1" : group, body);
    }

    /// <summary>MLDv2 report (RFC 3810 5.2).</summary>
    public static byte[] MldV2(params (byte Type, string Group, int Sources)[] records)
    {
        List<byte> body = [143, 0, 0, 0, 0, 0, 0, (byte)records.Length];
        foreach ((byte type, string group, int sources) in records) body.AddRange([type, 0, 0, (byte)sources, .. IPAddress.Parse(group).GetAddressBytes(), .. new byte[16 * sources]]);
        return Ipv6("ff02::16", [.. body]);
    }

    /// <summary>A packet to a group.</summary>
    public static byte[] Udp(string group)
    {
        byte[] body = [0x10, 0, 0x10, 1, 0, 12, 0, 0, 1, 2, 3, 4];
        return IPAddress.Parse(group).AddressFamily == AddressFamily.InterNetwork ? Ipv4(group, 17, body) : Ipv6(group, body, 17);
    }

    /// <summary>Makes the checksum of the message right again, where a message is.</summary>
    public static void Repair(byte[] frame)
    {
        bool isIpv4 = frame[12] == 8;
        int at = isIpv4 ? 14 + ((frame[14] & 0xf) * 4) : 14 + 40 + 8, end = isIpv4 ? 14 + Load(frame, 16) : 14 + 40 + Load(frame, 18);
        if (at + 4 > end || end > frame.Length) return;
        (frame[at + 2], frame[at + 3]) = (0, 0);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(at + 2), isIpv4 ? NicFrame.Checksum(frame.AsSpan(at..end)) : NicFrame.Checksum([.. frame[22..54], 0, 0, 0, (byte)(end - at), 0, 0, 0, 58, .. frame[at..end]]));
    }

    private static byte[] Ipv4(string group, byte protocol, byte[] body)
    {
        byte[] to = IPAddress.Parse(group).GetAddressBytes();
        int total = 24 + body.Length;
        byte[] frame = [1, 0, 0x5e, (byte)(to[1] & 0x7f), to[2], to[3], 2, 0, 0, 0, 0, 9, 8, 0, 0x46, 0, (byte)(total >> 8), (byte)total, 0, 0, 0, 0, 1, protocol, 0, 0, 10, 0, 0, 9, .. to, 0x94, 4, 0, 0, .. body];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(24), NicFrame.Checksum(frame.AsSpan(14, 24)));
        if (protocol == 2) Repair(frame);
        return frame;
    }

    private static byte[] Ipv6(string group, byte[] body, byte protocol = 58)
    {
        byte[] to = IPAddress.Parse(group).GetAddressBytes(), from = IPAddress.Parse("fe80::9").GetAddressBytes();
        int length = 8 + body.Length;
        byte[] frame = [0x33, 0x33, to[12], to[13], to[14], to[15], 2, 0, 0, 0, 0, 9, 0x86, 0xdd, 0x60, 0, 0, 0, (byte)(length >> 8), (byte)length, 0, 1, .. from, .. to, protocol, 0, 5, 2, 0, 0, 1, 0, .. body];
        if (protocol == 58) Repair(frame);
        return frame;
    }

    private static int Load(byte[] frame, int at) => BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(at));
}
