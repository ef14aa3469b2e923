using System.Buffers.Binary;

namespace Mergeflow.Cli;

/// <summary>
/// A capture has both directions on one wire. Whoever sends the first packet between two addresses is inside, behind port 1; the other is
/// outside, behind port 2. Frames that are not IP go by their MAC addresses.
/// </summary>
public sealed class DirectionFinder
{
    private const int EthernetBytes = 14;
    private readonly Dictionary<Pair, bool> _lowIsInside = [];

    /// <summary>Port 1 or 2.</summary>
    public uint PortOf(ReadOnlySpan<byte> frame)
    {
        (UInt128 from, UInt128 to) = Ends(frame);
        bool fromIsLow = from <= to;
        var pair = fromIsLow ? new Pair(from, to) : new Pair(to, from);
        if (!_lowIsInside.TryGetValue(pair, out bool lowIsInside))
        {
            lowIsInside = fromIsLow;
            _lowIsInside.Add(pair, lowIsInside);
        }

        return fromIsLow == lowIsInside ? 1u : 2u;
    }

    private static (UInt128 From, UInt128 To) Ends(ReadOnlySpan<byte> f)
    {
        if (f.Length < EthernetBytes) return (0, 0);
        int at = 12;
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(f[at..]);
        while (type is 0x8100 or 0x88a8 && f.Length >= at + 6)
        {
            at += 4;
            type = BinaryPrimitives.ReadUInt16BigEndian(f[at..]);
        }

        ReadOnlySpan<byte> ip = f[(at + 2)..];
        if (type == 0x0800 && ip.Length >= 20) return (BinaryPrimitives.ReadUInt32BigEndian(ip[12..]), BinaryPrimitives.ReadUInt32BigEndian(ip[16..]));
        if (type == 0x86dd && ip.Length >= 40) return (BinaryPrimitives.ReadUInt128BigEndian(ip[8..]), BinaryPrimitives.ReadUInt128BigEndian(ip[24..]));
        return (Mac(f[6..]), Mac(f));
    }

    private static UInt128 Mac(ReadOnlySpan<byte> b) => ((UInt128)BinaryPrimitives.ReadUInt16BigEndian(b) << 32) | BinaryPrimitives.ReadUInt32BigEndian(b[2..]);

    private readonly record struct Pair(UInt128 Low, UInt128 High);
}
