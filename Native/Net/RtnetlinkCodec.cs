using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Mergeflow.Native;

/// <summary>
/// Reads messages of NETLINK_ROUTE (rtnetlink(7), linux/rtnetlink.h, linux/if_link.h, linux/neighbour.h). Reads no socket. What is malformed, or of a family that nobody
/// asked for, gives nothing; unknown attributes are left out.
/// </summary>
public static partial class RtnetlinkCodec
{
    internal const ushort NewLink = 16;
    internal const ushort DeleteLink = 17;
    internal const ushort GetLink = 18;
    internal const ushort NewAddress = 20;
    internal const ushort DeleteAddress = 21;
    internal const ushort GetAddress = 22;
    internal const ushort NewRoute = 24;
    internal const ushort DeleteRoute = 25;
    internal const ushort GetRoute = 26;
    internal const ushort NewNeighbor = 28;
    internal const ushort DeleteNeighbor = 29;
    internal const ushort GetNeighbor = 30;

    private const int Inet = 2;
    private const int Inet6 = 10;

    /// <summary>Bytes of <c>struct ifinfomsg</c>.</summary>
    private const int LinkBytes = 16;

    /// <summary>Bytes of <c>struct rtmsg</c> and <c>struct ndmsg</c>.</summary>
    private const int RouteBytes = 12;

    /// <summary>Bytes of <c>struct ifaddrmsg</c>.</summary>
    private const int AddressBytes = 8;

    /// <summary>The event that a message tells; false if it tells none.</summary>
    public static bool TryParse(NetlinkMessage message, [NotNullWhen(true)] out RtEvent? told)
    {
        told = message.Type switch
        {
            NewLink or DeleteLink => ParseLink(message.Payload) is { } link ? new RtEvent(RtEventKind.Link, message.Type == DeleteLink) { Link = link } : null,
            NewRoute or DeleteRoute => ParseRoute(message.Payload) is { } route ? new RtEvent(RtEventKind.Route, message.Type == DeleteRoute) { Route = route } : null,
            NewNeighbor or DeleteNeighbor => ParseNeighbor(message.Payload) is { } n ? new RtEvent(RtEventKind.Neighbor, message.Type == DeleteNeighbor) { Neighbor = n } : null,
            NewAddress or DeleteAddress => ParseAddress(message.Payload) is { } a ? new RtEvent(RtEventKind.Address, message.Type == DeleteAddress) { Address = a } : null,
            _ => null,
        };
        return told is not null;
    }

    private static RtLink? ParseLink(ReadOnlySpan<byte> m)
    {
        // A bridge tells its ports' changes in the same messages, as family AF_BRIDGE: an end of that kind is the end of a membership, not of the interface.
        if (m.Length < LinkBytes || m[0] != 0) return null;
        RtLink link = new()
        {
            Index = BinaryPrimitives.ReadInt32LittleEndian(m[4..]),
            Name = "",
            HardwareType = BinaryPrimitives.ReadUInt16LittleEndian(m[2..]),
            Flags = BinaryPrimitives.ReadUInt32LittleEndian(m[8..]),
        };
        NetlinkAttributes a = new(m[LinkBytes..]);
        while (a.Read())
        {
            switch (a.Type)
            {
                case 1: link = link with { Mac = Mac(a.Data) ?? 0 }; break;
                case 3: link = link with { Name = a.Text }; break;
                case 4 when a.TryGetUInt32(out uint mtu): link = link with { Mtu = (int)Math.Min(mtu, int.MaxValue) }; break;
                case 10 when a.TryGetUInt32(out uint master): link = link with { Master = (int)master }; break;
                case 16 when a.TryGetUInt32(out uint state): link = link with { OperState = state <= (uint)RtOperState.Up ? (RtOperState)state : RtOperState.Unknown }; break;
                case 18: link = link with { Kind = ParseKind(a.Data) }; break;
                case 23 when a.Data.Length >= 64:
                    link = link with
                    {
                        RxPackets = BinaryPrimitives.ReadUInt64LittleEndian(a.Data),
                        TxPackets = BinaryPrimitives.ReadUInt64LittleEndian(a.Data[8..]),
                        RxDropped = BinaryPrimitives.ReadUInt64LittleEndian(a.Data[48..]),
                        TxDropped = BinaryPrimitives.ReadUInt64LittleEndian(a.Data[56..]),
                    };
                    break;
                case 31 when a.TryGetUInt32(out uint queues): link = link with { TxQueues = Queues(queues) }; break;
                case 32 when a.TryGetUInt32(out uint queues): link = link with { RxQueues = Queues(queues) }; break;
                case 33 when a.TryGetUInt32(out uint carrier): link = link with { HasCarrier = carrier != 0 }; break;
            }
        }

        return a.IsMalformed || link.Index <= 0 || link.Name.Length == 0 ? null : link;
    }

    private static int Queues(uint count) => (int)Math.Clamp(count, 1, 4096);

    private static string ParseKind(ReadOnlySpan<byte> info)
    {
        NetlinkAttributes a = new(info);
        while (a.Read())
        {
            if (a.Type == 1) return a.Text;
        }

        return "";
    }

    private static RtRoute? ParseRoute(ReadOnlySpan<byte> m)
    {
        if (m.Length < RouteBytes || m[0] is not (Inet or Inet6)) return null;
        bool isV6 = m[0] == Inet6;
        int prefix = m[1];

        // RTM_F_CLONED: a cached answer, not a route.
        if (prefix > (isV6 ? 128 : 32) || (BinaryPrimitives.ReadUInt32LittleEndian(m[8..]) & 0x200) != 0) return null;
        IPAddress destination = isV6 ? IPAddress.IPv6Any : IPAddress.Any;
        IPAddress? source = null, gateway = null;
        uint table = m[4], priority = 0, device = 0;
        List<RtNextHop> hops = [];
        NetlinkAttributes a = new(m[RouteBytes..]);
        while (a.Read())
        {
            switch (a.Type)
            {
                case 1:
                    if (Ip(a.Data, isV6) is not { } prefixBytes) return null;
                    destination = prefixBytes;
                    break;
                case 4 when a.TryGetUInt32(out uint oif): device = oif; break;
                case 5: gateway = Ip(a.Data, isV6); break;
                case 6 when a.TryGetUInt32(out uint p): priority = p; break;
                case 7: source = Ip(a.Data, isV6); break;
                case 9: ParseHops(a.Data, isV6, hops); break;
                case 15 when a.TryGetUInt32(out uint t): table = t; break;
                case 18: gateway = Via(a.Data); break;
            }
        }

        if (a.IsMalformed) return null;
        if (device != 0) hops.Insert(0, new RtNextHop((int)device, gateway));
        return new RtRoute
        {
            Destination = destination,
            PrefixLength = prefix,
            Table = table,
            Protocol = m[5],
            Scope = m[6],
            Type = m[7],
            Priority = priority,
            PreferredSource = source,
            NextHops = hops,
        };
    }

    /// <summary>RTA_MULTIPATH: records of <c>struct rtnexthop</c> (length, flags, weight - 1, interface), each with attributes of its own.</summary>
    private static void ParseHops(ReadOnlySpan<byte> data, bool isV6, List<RtNextHop> hops)
    {
        const int HopBytes = 8;
        while (data.Length >= HopBytes)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(data);
            if (length < HopBytes || length > data.Length) return;
            IPAddress? gateway = null;
            NetlinkAttributes a = new(data[HopBytes..length]);
            while (a.Read())
            {
                if (a.Type == 5) gateway = Ip(a.Data, isV6);
                if (a.Type == 18) gateway = Via(a.Data);
            }

            hops.Add(new RtNextHop(BinaryPrimitives.ReadInt32LittleEndian(data[4..]), gateway, data[3] + 1));
            data = data[Math.Min(NetlinkReader.Align(length), data.Length)..];
        }
    }

    private static RtNeighbor? ParseNeighbor(ReadOnlySpan<byte> m)
    {
        if (m.Length < RouteBytes || m[0] is not (Inet or Inet6)) return null;
        IPAddress? address = null;
        ulong? mac = null;
        NetlinkAttributes a = new(m[RouteBytes..]);
        while (a.Read())
        {
            if (a.Type == 1) address = Ip(a.Data, m[0] == Inet6);
            if (a.Type == 2) mac = Mac(a.Data);
        }

        if (a.IsMalformed || address is null) return null;
        return new RtNeighbor(BinaryPrimitives.ReadInt32LittleEndian(m[4..]), address, mac, (RtNeighborState)BinaryPrimitives.ReadUInt16LittleEndian(m[8..]), (m[10] & 0x80) != 0);
    }

    private static RtAddress? ParseAddress(ReadOnlySpan<byte> m)
    {
        if (m.Length < AddressBytes || m[0] is not (Inet or Inet6) || m[1] > (m[0] == Inet6 ? 128 : 32)) return null;
        IPAddress? address = null, local = null;
        NetlinkAttributes a = new(m[AddressBytes..]);
        while (a.Read())
        {
            if (a.Type == 1) address = Ip(a.Data, m[0] == Inet6);
            if (a.Type == 2) local = Ip(a.Data, m[0] == Inet6);
        }

        // IFA_ADDRESS of a point-to-point interface is the other end.
        return a.IsMalformed || (local ?? address) is not { } own ? null : new RtAddress(BinaryPrimitives.ReadInt32LittleEndian(m[4..]), own, m[1]);
    }

    private static IPAddress? Ip(ReadOnlySpan<byte> data, bool isV6) => data.Length == (isV6 ? 16 : 4) ? new IPAddress(data) : null;

    /// <summary><c>struct rtvia</c>: the family in 16 bits, then the address.</summary>
    private static IPAddress? Via(ReadOnlySpan<byte> data) => data.Length < 2 ? null : BinaryPrimitives.ReadUInt16LittleEndian(data) switch
    {
        Inet => Ip(data[2..], isV6: false),
        Inet6 => Ip(data[2..], isV6: true),
        _ => null,
    };

    private static ulong? Mac(ReadOnlySpan<byte> data)
        => data.Length == 6 ? ((ulong)BinaryPrimitives.ReadUInt16BigEndian(data) << 32) | BinaryPrimitives.ReadUInt32BigEndian(data[2..]) : null;
}
