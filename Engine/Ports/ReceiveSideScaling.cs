using System.Buffers.Binary;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// Spreads received frames over queues as a NIC does: by a hash of the outer addresses, protocol and ports, so that a flow keeps its queue. Fragments have no
/// ports of their own and go by addresses and protocol, all of a datagram to one queue; what is no IP packet goes by Ethernet addresses.
/// </summary>
/// <param name="seed">Another seed spreads otherwise (the key of a Toeplitz hash).</param>
/// <param name="isSymmetric">Both directions of a connection go to the same queue, unless addresses are translated on the way; else each goes its own.</param>
public sealed class ReceiveSideScaling(ulong seed, bool isSymmetric)
{
    private const int EthernetBytes = 14, TagBytes = 4, MaxTags = 2, Ipv6HeaderBytes = 40, MaxExtensions = 8;
    private const byte HopByHop = 0, Routing = 43, Fragment = 44, DestinationOptions = 60;

    /// <summary>The hash of a frame; any bytes have one.</summary>
    public uint HashOf(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EthernetBytes) return 0;
        int type = EthernetBytes - 2;
        for (int tags = 0; tags < MaxTags && WordAt(frame, type) is EthType.Vlan or EthType.QinQ && frame.Length >= type + TagBytes + 2; tags++) type += TagBytes;
        ReadOnlySpan<byte> l3 = frame[(type + 2)..];
        ulong hash = WordAt(frame, type) switch
        {
            EthType.Ip when l3.Length >= 20 && l3[0] >> 4 == 4 => OfIpv4(l3),
            EthType.Ipv6 when l3.Length >= Ipv6HeaderBytes && l3[0] >> 4 == 6 => OfIpv6(l3),
            _ => Combine(OfEnd(frame[6..12], 0), OfEnd(frame[..6], 0), 0),
        };
        return (uint)(hash >> 32);
    }

    private ulong OfIpv4(ReadOnlySpan<byte> ip)
    {
        bool isFragment = (WordAt(ip, 6) & 0x3fff) != 0;
        return OfTransport(ip[12..16], ip[16..20], ip[9], ip[Math.Min((ip[0] & 15) * 4, ip.Length)..], isFragment);
    }

    private ulong OfIpv6(ReadOnlySpan<byte> ip)
    {
        byte next = ip[6];
        int at = Ipv6HeaderBytes;
        bool isFragment = false;
        for (int n = 0; n < MaxExtensions && next is HopByHop or Routing or Fragment or DestinationOptions && ip.Length >= at + 8; n++)
        {
            isFragment |= next == Fragment;
            int length = next == Fragment ? 8 : (ip[at + 1] + 1) * 8;
            next = ip[at];
            at += length;
        }

        return OfTransport(ip[8..24], ip[24..40], isFragment ? Fragment : next, ip[Math.Min(at, ip.Length)..], isFragment);
    }

    private ulong OfTransport(ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, byte protocol, ReadOnlySpan<byte> l4, bool isFragment)
    {
        bool hasPorts = !isFragment && protocol is IpProto.Tcp or IpProto.Udp or IpProto.Sctp && l4.Length >= 4;
        return Combine(OfEnd(source, hasPorts ? WordAt(l4, 0) : 0u), OfEnd(destination, hasPorts ? WordAt(l4, 2) : 0u), protocol);
    }

    private ulong OfEnd(ReadOnlySpan<byte> address, uint port)
    {
        ulong hash = Mix(seed ^ port);
        foreach (byte b in address) hash = Mix(hash ^ b);
        return hash;
    }

    private ulong Combine(ulong source, ulong destination, byte protocol)
        => Mix((isSymmetric ? source + destination : (source * 3) + destination) ^ protocol);

    private static uint WordAt(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);

    /// <summary>SplitMix64.</summary>
    private static ulong Mix(ulong z)
    {
        z += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}
