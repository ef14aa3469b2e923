using System.Buffers.Binary;

namespace Mergeflow.Native;

/// <content>Requests.</content>
public static partial class RtnetlinkCodec
{
    private const uint Up = 1;
    private const int AttributeMac = 1;
    private const int AttributeName = 3;
    private const int AttributeMtu = 4;

    /// <summary>Asks for all interfaces.</summary>
    public static NetlinkWriter DumpLinks() => new NetlinkWriter(GetLink, NetlinkWriter.Dump).Raw(stackalloc byte[LinkBytes]);

    /// <summary>Asks for all routes, neighbours or addresses of both families; null for another topic.</summary>
    public static NetlinkWriter? Dump(RtTopics topic) => topic switch
    {
        RtTopics.Links => DumpLinks(),
        RtTopics.Routes => new NetlinkWriter(GetRoute, NetlinkWriter.Dump).Raw(stackalloc byte[RouteBytes]),
        RtTopics.Neighbors => new NetlinkWriter(GetNeighbor, NetlinkWriter.Dump).Raw(stackalloc byte[RouteBytes]),
        RtTopics.Addresses => new NetlinkWriter(GetAddress, NetlinkWriter.Dump).Raw(stackalloc byte[AddressBytes]),
        _ => null,
    };

    /// <summary>Asks for one interface, by its name.</summary>
    public static NetlinkWriter Find(string name) => new NetlinkWriter(GetLink, NetlinkWriter.Acknowledged).Raw(stackalloc byte[LinkBytes]).Add(AttributeName, name);

    /// <summary>Switches an interface on or off.</summary>
    public static NetlinkWriter SetUp(int index, bool isUp) => Change(index, isUp ? Up : 0, Up);

    /// <summary>Sets the longest packet.</summary>
    public static NetlinkWriter SetMtu(int index, int mtu) => Change(index, 0, 0).Add(AttributeMtu, (uint)mtu);

    /// <summary>Sets the Ethernet address, a number of 48 bits.</summary>
    public static NetlinkWriter SetMac(int index, ulong mac)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, mac);
        return Change(index, 0, 0).Add(AttributeMac, bytes[2..]);
    }

    /// <summary>Removes an interface.</summary>
    public static NetlinkWriter Remove(int index) => new NetlinkWriter(DeleteLink, NetlinkWriter.Acknowledged).Raw(Link(index, 0, 0));

    /// <summary>Gives an interface an address. IPv4 and IPv6.</summary>
    public static NetlinkWriter AddAddress(RtAddress address)
    {
        byte[] bytes = address.Address.GetAddressBytes();
        Span<byte> m = stackalloc byte[AddressBytes];
        m.Clear();
        m[0] = bytes.Length == 4 ? (byte)Inet : (byte)Inet6;
        m[1] = (byte)address.PrefixLength;
        BinaryPrimitives.WriteInt32LittleEndian(m[4..], address.Interface);
        return new NetlinkWriter(NewAddress, NetlinkWriter.Create).Raw(m).Add(2, bytes).Add(1, bytes);
    }

    private static NetlinkWriter Change(int index, uint flags, uint mask) => new NetlinkWriter(NewLink, NetlinkWriter.Acknowledged).Raw(Link(index, flags, mask));

    private static byte[] Link(int index, uint flags, uint mask)
    {
        byte[] m = new byte[LinkBytes];
        BinaryPrimitives.WriteInt32LittleEndian(m.AsSpan(4), index);
        BinaryPrimitives.WriteUInt32LittleEndian(m.AsSpan(8), flags);
        BinaryPrimitives.WriteUInt32LittleEndian(m.AsSpan(12), mask);
        return m;
    }
}
