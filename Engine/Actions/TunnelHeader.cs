using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>
/// An outer header made once and copied in front of each packet (OVS <c>struct ovs_action_push_tnl</c>): Ethernet, IPv4 or IPv6, then
/// UDP + VXLAN/Geneve or GRE. Lengths, the UDP source port and checksums are filled in per packet.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct TunnelHeader
{
    private const int GeneveSizeBytes = 8;

    /// <summary>Longest header: Ethernet, IPv6, UDP, 8 bytes and an option of 12, rounded up.</summary>
    public const int CapacityBytes = 96;

    /// <summary>GRE flag bits in the first byte (RFC 2890).</summary>
    internal const byte GreChecksum = 0x80;

    internal const byte GreKey = 0x20;

    private fixed byte _bytes[CapacityBytes];

    /// <summary>Length of the header in bytes.</summary>
    public int LengthBytes { get; private set; }

    /// <summary>Encapsulation.</summary>
    public TunnelKind Kind { get; private set; }

    /// <summary>Whether the outer network header is IPv6.</summary>
    public bool IsIpv6 { get; private set; }

    /// <summary>The header's bytes.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Bytes => MemoryMarshal.CreateReadOnlySpan(in _bytes[0], LengthBytes);

    /// <summary>Builds a header. The outer network header is IPv6 if the tunnel has an IPv6 destination.</summary>
    /// <param name="kind">Encapsulation.</param>
    /// <param name="source">Outer Ethernet source.</param>
    /// <param name="destination">Outer Ethernet destination.</param>
    /// <param name="tunnel">Addresses, id, TOS, TTL and <see cref="TunnelFlags"/> (host order in the raw field).</param>
    /// <param name="destinationPort">UDP port, host order (4789 VXLAN, 6081 Geneve); unused by GRE.</param>
    /// <param name="option">Geneve: an option behind the header; the default value = none.</param>
    /// <param name="optionData">What is in it, right-aligned.</param>
    public static TunnelHeader Build(TunnelKind kind, EthAddress source, EthAddress destination, in DpSetTunnel tunnel, ushort destinationPort, GeneveOption option = default, ulong optionData = 0)
    {
        TunnelHeader header = default;
        header.Kind = kind;
        header.IsIpv6 = !tunnel.Ipv6Dst.IsZero;
        var bytes = new Span<byte>(header._bytes, CapacityBytes);
        MemoryMarshal.Write(bytes, destination);
        MemoryMarshal.Write(bytes[6..], source);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[12..], header.IsIpv6 ? EthType.Ipv6 : EthType.Ip);
        byte proto = kind == TunnelKind.Gre ? IpProto.Gre : IpProto.Udp;
        var flags = (TunnelFlags)tunnel.Flags.Host;
        int l4 = 14 + (header.IsIpv6 ? WriteIpv6(bytes[14..], tunnel, proto) : WriteIpv4(bytes[14..], tunnel, proto, flags));
        header.LengthBytes = l4 + (kind == TunnelKind.Gre
            ? WriteGre(bytes[l4..], tunnel, flags)
            : WriteUdp(bytes[l4..], kind, tunnel, flags, destinationPort, header.IsIpv6));
        if (option.Exists) header.LengthBytes += WriteOption(bytes[(header.LengthBytes - GeneveSizeBytes)..], option, optionData);
        return header;
    }

    /// <summary>Geneve (RFC 8926, 3.5): an option behind the fixed header, which says how long it is and whether it is critical.</summary>
    private static int WriteOption(Span<byte> geneve, GeneveOption option, ulong data)
    {
        int size = 4 + option.LengthBytes;
        geneve[0] = (byte)(size / 4);
        if ((option.Type & 0x80) != 0) geneve[1] |= 0x40;
        Span<byte> tlv = geneve[GeneveSizeBytes..];
        BinaryPrimitives.WriteUInt16BigEndian(tlv, option.Class);
        tlv[2] = option.Type;
        tlv[3] = (byte)(option.LengthBytes / 4);
        if (option.LengthBytes == 8) BinaryPrimitives.WriteUInt64BigEndian(tlv[4..], data);
        else BinaryPrimitives.WriteUInt32BigEndian(tlv[4..], (uint)data);
        return size;
    }

    private static int WriteIpv4(Span<byte> ip, in DpSetTunnel tunnel, byte proto, TunnelFlags flags)
    {
        ip[0] = 0x45;
        ip[1] = tunnel.Tos;
        if ((flags & TunnelFlags.DontFragment) != 0) ip[6] = 0x40;
        ip[8] = tunnel.Ttl;
        ip[9] = proto;
        MemoryMarshal.Write(ip[12..], tunnel.Src.Raw);
        MemoryMarshal.Write(ip[16..], tunnel.Dst.Raw);
        MemoryMarshal.Write(ip[10..], InternetChecksum.Compute(ip[..20]));
        return 20;
    }

    private static int WriteIpv6(Span<byte> ip, in DpSetTunnel tunnel, byte proto)
    {
        BinaryPrimitives.WriteUInt32BigEndian(ip, (6u << 28) | ((uint)tunnel.Tos << 20));
        ip[6] = proto;
        ip[7] = tunnel.Ttl;
        MemoryMarshal.Write(ip[8..], tunnel.Ipv6Src);
        MemoryMarshal.Write(ip[24..], tunnel.Ipv6Dst);
        return 40;
    }

    /// <summary>A checksum that is not zero marks that one is to be computed; over IPv6 it always is.</summary>
    private static int WriteUdp(Span<byte> udp, TunnelKind kind, in DpSetTunnel tunnel, TunnelFlags flags, ushort port, bool isIpv6)
    {
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], port);
        if (isIpv6 || (flags & TunnelFlags.Checksum) != 0) BinaryPrimitives.WriteUInt16BigEndian(udp[6..], 0xffff);
        Span<byte> inner = udp[8..];
        if (kind == TunnelKind.Vxlan)
        {
            inner[0] = 0x08;
        }
        else
        {
            if ((flags & TunnelFlags.Oam) != 0) inner[1] = 0x80;
            BinaryPrimitives.WriteUInt16BigEndian(inner[2..], EthType.TransparentEthernet);
        }

        BinaryPrimitives.WriteUInt32BigEndian(inner[4..], (uint)(tunnel.Id.Host << 8));
        return 16;
    }

    private static int WriteGre(Span<byte> gre, in DpSetTunnel tunnel, TunnelFlags flags)
    {
        BinaryPrimitives.WriteUInt16BigEndian(gre[2..], EthType.TransparentEthernet);
        int length = 4;
        if ((flags & TunnelFlags.Checksum) != 0)
        {
            gre[0] |= GreChecksum;
            length += 4;
        }

        if ((flags & TunnelFlags.Key) == 0) return length;
        gre[0] |= GreKey;
        BinaryPrimitives.WriteUInt32BigEndian(gre[length..], (uint)tunnel.Id.Host);
        return length + 4;
    }
}
