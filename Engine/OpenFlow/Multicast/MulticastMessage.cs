using System.Buffers.Binary;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// What hosts and routers say of groups: IGMP (RFC 1112, 2236, 3376) and MLD (RFC 2710, 3810). A frame is as hostile as it comes: what is cut off, or has a wrong checksum, changes nothing; of a list
/// that is cut off the records before count.
/// </summary>
internal static class MulticastMessage
{
    /// <summary>Types of IGMP.</summary>
    public const byte IgmpQuery = 0x11, IgmpReportV1 = 0x12, IgmpReportV2 = 0x16, IgmpLeave = 0x17, IgmpReportV3 = 0x22;

    /// <summary>Types of MLD, which are ones of ICMPv6.</summary>
    public const byte MldQuery = 130, MldReport = 131, MldDone = 132, MldReportV2 = 143;

    private const int HeaderBytes = 8;
    private const int EthernetBytes = 14;
    private const byte HopByHop = 0, Routing = 43, Authentication = 51, DestinationOptions = 60;

    /// <summary>A report, or a host that leaves.</summary>
    public static bool IsIgmpMembership(int type) => type is IgmpReportV1 or IgmpReportV2 or IgmpReportV3 or IgmpLeave;

    /// <summary>One of the messages of MLD.</summary>
    public static bool IsMld(int type) => type is MldQuery or MldReport or MldDone or MldReportV2;

    /// <summary>Notes what a frame says (OVS <c>update_mcast_snooping_table</c>).</summary>
    /// <param name="frame">From the Ethernet header on, with or without tags.</param>
    /// <param name="table">Takes note.</param>
    /// <param name="vid">VLAN that the frame belongs to.</param>
    /// <param name="port">Port that it came by.</param>
    /// <param name="nowMs">Time.</param>
    /// <returns>It is such a message, and a whole one.</returns>
    public static bool Apply(ReadOnlySpan<byte> frame, MulticastTable table, ushort vid, uint port, long nowMs)
    {
        int at = EthernetBytes - 2;
        while (frame.Length >= at + 6 && Load16(frame, at) is EthType.Vlan or EthType.QinQ) at += 4;
        if (frame.Length < at + 2) return false;
        ReadOnlySpan<byte> packet = frame[(at + 2)..];
        return Load16(frame, at) switch
        {
            EthType.Ip => ApplyIgmp(packet, table, vid, port, nowMs),
            EthType.Ipv6 => ApplyMld(packet, table, vid, port, nowMs),
            _ => false,
        };
    }

    private static bool ApplyIgmp(ReadOnlySpan<byte> packet, MulticastTable table, ushort vid, uint port, long nowMs)
    {
        if (packet.Length < 20) return false;
        int header = (packet[0] & 0xf) * 4, total = Load16(packet, 2);
        bool isFragment = (Load16(packet, 6) & 0x3fff) != 0;
        if (packet[0] >> 4 != 4 || header < 20 || total < header + HeaderBytes || total > packet.Length || isFragment || packet[9] != IpProto.Igmp) return false;
        ReadOnlySpan<byte> body = packet[header..total];
        if (InternetChecksum.Compute(body) != 0) return false;
        UInt128 group = MulticastTable.Mapped(BinaryPrimitives.ReadUInt32BigEndian(body[4..]));
        switch (body[0])
        {
            case IgmpReportV1 or IgmpReportV2:
                table.Join(group, vid, port, nowMs);
                return true;
            case IgmpLeave:
                table.Leave(group, vid, port);
                return true;
            case IgmpQuery:
                if (BinaryPrimitives.ReadUInt32BigEndian(packet[12..]) != 0) table.AddRouter(vid, port, nowMs);
                return true;
            case IgmpReportV3:
                ApplyRecords(body, 4, table, vid, port, nowMs);
                return true;
            default:
                return false;
        }
    }

    private static bool ApplyMld(ReadOnlySpan<byte> packet, MulticastTable table, ushort vid, uint port, long nowMs)
    {
        const int header = 40;
        if (packet.Length < header || packet[0] >> 4 != 6) return false;
        int length = Load16(packet, 4), at = header;
        if (length > packet.Length - header) return false;
        int end = header + length;
        byte next = packet[6];
        while (next is HopByHop or Routing or DestinationOptions or Authentication)
        {
            if (end - at < 8) return false;
            int size = next == Authentication ? (packet[at + 1] + 2) * 4 : (packet[at + 1] + 1) * 8;
            next = packet[at];
            at += size;
            if (at > end) return false;
        }

        if (next != IpProto.Icmpv6 || end - at < HeaderBytes) return false;
        ReadOnlySpan<byte> body = packet[at..end];
        if (!IsMld(body[0]) || InternetChecksum.UpperLayer6(packet, body, IpProto.Icmpv6) != 0) return false;
        if (body[0] == MldQuery)
        {
            if (packet[8..24].ContainsAnyExcept((byte)0)) table.AddRouter(vid, port, nowMs);
            return true;
        }

        if (body[0] == MldReportV2)
        {
            ApplyRecords(body, 16, table, vid, port, nowMs);
            return true;
        }

        if (body.Length < HeaderBytes + 16) return false;
        UInt128 group = BinaryPrimitives.ReadUInt128BigEndian(body[HeaderBytes..]);
        if (body[0] == MldReport) table.Join(group, vid, port, nowMs);
        else table.Leave(group, vid, port);
        return true;
    }

    /// <summary>Records of IGMPv3 and MLDv2, which differ in the length of addresses: which sources are wanted of a group. None at all is to leave it.</summary>
    private static void ApplyRecords(ReadOnlySpan<byte> body, int addressBytes, MulticastTable table, ushort vid, uint port, long nowMs)
    {
        const byte isInclude = 1, toInclude = 3, blockOld = 6;
        int count = Load16(body, 6), at = HeaderBytes;
        for (int i = 0; i < count && body.Length - at >= 4 + addressBytes; i++)
        {
            byte type = body[at];
            int auxiliaryBytes = body[at + 1] * 4, sources = Load16(body, at + 2);
            UInt128 group = addressBytes == 4 ? MulticastTable.Mapped(BinaryPrimitives.ReadUInt32BigEndian(body[(at + 4)..])) : BinaryPrimitives.ReadUInt128BigEndian(body[(at + 4)..]);
            at += 4 + addressBytes + (sources * addressBytes) + auxiliaryBytes;
            if (type is < isInclude or > blockOld) continue;
            if (sources == 0 && type is isInclude or toInclude) table.Leave(group, vid, port);
            else table.Join(group, vid, port, nowMs);
        }
    }

    private static ushort Load16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
}
