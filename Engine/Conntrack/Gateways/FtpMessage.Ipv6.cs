using System.Text;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

internal readonly partial record struct FtpMessage
{
    /// <summary>Digits of a port that are read: one more than it can have.</summary>
    private const int MaxPortDigits = 6;

    private static FtpMessage ReadIpv6(ReadOnlySpan<byte> m)
    {
        if (Begins(m, "EPRT"u8)) return ReadActiveIpv6(m);
        if (!Contains(m, "EXTENDED PASSIVE"u8)) return default;

        int at = m.IndexOf((byte)'(');
        if (at < 0) return Invalid(passive: true);
        SkipToDigit(m, ref at);
        if (!TryNumber(m, ref at, MaxPortDigits, ushort.MaxValue, out uint port)) return Invalid(passive: true);
        return new FtpMessage { Kind = FtpMessageKind.Announcement, IsPassive = true, Port = (ushort)port };
    }

    /// <summary>EPRT, delimiter, 2 for IPv6, delimiter, address, delimiter, port; any byte delimits.</summary>
    private static FtpMessage ReadActiveIpv6(ReadOnlySpan<byte> m)
    {
        int at = 4;
        SkipToDigit(m, ref at);
        if (at + 2 > m.Length || m[at] != '2' || IsDigit(m[at + 1])) return Invalid(passive: false);
        at += 2;
        int start = at;
        while (at < m.Length && (char.IsAsciiHexDigit((char)m[at]) || m[at] is (byte)':' or (byte)'.')) at++;
        int size = at - start;
        if (!Ipv6Wire.TryRead(m[start..at], out Ipv6Address address)) return Invalid(passive: false);
        at++;
        if (!TryNumber(m, ref at, MaxPortDigits, ushort.MaxValue, out uint port)) return Invalid(passive: false);
        return new FtpMessage
        {
            Kind = FtpMessageKind.Announcement,
            Address6 = address,
            Port = (ushort)port,
            AddressAt = start,
            AddressSizeBytes = size,
        };
    }

    private static bool Contains(ReadOnlySpan<byte> m, ReadOnlySpan<byte> text)
    {
        for (int at = 0; at + text.Length <= m.Length; at++)
        {
            if (Ascii.EqualsIgnoreCase(m.Slice(at, text.Length), text)) return true;
        }

        return false;
    }
}
