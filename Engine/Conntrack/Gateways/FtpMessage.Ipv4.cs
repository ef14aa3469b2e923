using System.Buffers.Binary;

namespace Mergeflow.Engine.Conntrack;

internal readonly partial record struct FtpMessage
{
    /// <summary>Digits of the first half of a port that are read: one more than it can have.</summary>
    private const int MaxHalfDigits = 4;

    private static FtpMessage ReadIpv4(ReadOnlySpan<byte> m)
    {
        bool isActive = Begins(m, "PORT"u8);
        if (!isActive && !m.StartsWith("227"u8)) return default;

        int at = isActive ? 4 : 3;
        int space = m[at..].IndexOf((byte)' ');
        if (space < 0) return Invalid(!isActive);
        at += space;
        SkipToDigit(m, ref at);
        int start = at;
        uint address = 0;
        for (int group = 0; group < 4; group++, at++)
        {
            if (!TryOctet(m, ref at, out uint value) || at == m.Length || m[at] != ',') return Invalid(!isActive);
            address = (address << 8) | value;
        }

        int size = at - 1 - start;
        if (!TryNumber(m, ref at, MaxHalfDigits, byte.MaxValue, out uint high)) return Invalid(!isActive);

        // Whatever is between the two halves of the port is skipped.
        at++;
        if (!TryNumber(m, ref at, LargestBytes, byte.MaxValue, out uint low)) return Invalid(!isActive);
        return new FtpMessage
        {
            Kind = FtpMessageKind.Announcement,
            IsPassive = !isActive,
            Address = BinaryPrimitives.ReverseEndianness(address),
            Port = (ushort)((high << 8) | low),
            AddressAt = start,
            AddressSizeBytes = size,
        };
    }

    /// <summary>A number of an address: no leading zero.</summary>
    private static bool TryOctet(ReadOnlySpan<byte> m, ref int at, out uint value)
    {
        int start = at;
        return TryNumber(m, ref at, LargestBytes, byte.MaxValue, out value) && (at == start + 1 || m[start] != '0');
    }
}
