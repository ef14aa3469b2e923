using System.Buffers.Binary;

namespace Mergeflow.Cli;

/// <summary>
/// A capture has both directions on one wire. Whoever sends the first packet between two addresses is inside, behind port 1; the other is
/// outside, behind port 2. An ICMP error comes from where the packet went that it quotes, whichever router sends it. Frames that are not IP go by their MAC addresses.
/// </summary>
public sealed class DirectionFinder
{
    private const int EthernetBytes = 14;
    private const int Ipv6HeaderBytes = 40;
    private const int IcmpHeaderBytes = 8;
    private const int FirstIcmpv6Query = 128;

    private readonly Dictionary<Pair, bool> _lowIsInside = [];

    /// <summary>Port 1 or 2.</summary>
    public uint PortOf(ReadOnlySpan<byte> frame)
    {
        (UInt128 from, UInt128 to, bool isBack) = Ends(frame);
        bool fromIsLow = from <= to;
        var pair = fromIsLow ? new Pair(from, to) : new Pair(to, from);
        if (!_lowIsInside.TryGetValue(pair, out bool lowIsInside))
        {
            lowIsInside = fromIsLow;
            _lowIsInside.Add(pair, lowIsInside);
        }

        return (fromIsLow == lowIsInside) != isBack ? 1u : 2u;
    }

    /// <summary>Addresses of the frame, or of what it quotes, which it comes back from.</summary>
    private static (UInt128 From, UInt128 To, bool IsBack) Ends(ReadOnlySpan<byte> f)
    {
        if (f.Length < EthernetBytes) return default;
        int at = 12;
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(f[at..]);
        while (type is 0x8100 or 0x88a8 && f.Length >= at + 6)
        {
            at += 4;
            type = BinaryPrimitives.ReadUInt16BigEndian(f[at..]);
        }

        ReadOnlySpan<byte> ip = f[(at + 2)..];
        bool isIpv6 = type == 0x86dd;
        if (!(isIpv6 || type == 0x0800) || !TryAddresses(ip, isIpv6, out UInt128 from, out UInt128 to)) return (Mac(f[6..]), Mac(f), false);
        int headerBytes = isIpv6 ? Ipv6HeaderBytes : (ip[0] & 15) * 4, protocol = isIpv6 ? ip[6] : ip[9];
        if (ip.Length <= headerBytes + IcmpHeaderBytes) return (from, to, false);
        bool isError = isIpv6 ? protocol == 58 && ip[headerBytes] < FirstIcmpv6Query : protocol == 1 && ip[headerBytes] is (3 or 4 or 5 or 11 or 12);
        return isError && TryAddresses(ip[(headerBytes + IcmpHeaderBytes)..], isIpv6, out UInt128 source, out UInt128 destination) ? (source, destination, true) : (from, to, false);
    }

    private static bool TryAddresses(ReadOnlySpan<byte> ip, bool isIpv6, out UInt128 from, out UInt128 to)
    {
        bool isThere = ip.Length >= (isIpv6 ? Ipv6HeaderBytes : 20);
        from = !isThere ? 0 : isIpv6 ? BinaryPrimitives.ReadUInt128BigEndian(ip[8..]) : BinaryPrimitives.ReadUInt32BigEndian(ip[12..]);
        to = !isThere ? 0 : isIpv6 ? BinaryPrimitives.ReadUInt128BigEndian(ip[24..]) : BinaryPrimitives.ReadUInt32BigEndian(ip[16..]);
        return isThere;
    }

    private static UInt128 Mac(ReadOnlySpan<byte> b) => ((UInt128)BinaryPrimitives.ReadUInt16BigEndian(b) << 32) | BinaryPrimitives.ReadUInt32BigEndian(b[2..]);

    private readonly record struct Pair(UInt128 Low, UInt128 High);
}
