using System.Text;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// The FTP messages that announce a data connection: over IPv4 the command PORT and the reply 227 (RFC 959), over IPv6 the command EPRT and the reply
/// 229 (RFC 2428), read as OVS <c>process_ftp_ctl_v4</c> and <c>process_ftp_ctl_v6</c> read them.
/// </summary>
/// <param name="Kind">What the message is.</param>
/// <param name="IsPassive">A reply: the server announces.</param>
/// <param name="Address">Announced IPv4 address, network order.</param>
/// <param name="Address6">Announced IPv6 address; the reply 229 has none.</param>
/// <param name="Port">Announced port, host order.</param>
/// <param name="AddressAt">Where the address begins in the message.</param>
/// <param name="AddressSizeBytes">Length of the address as text, 0 = there is none to replace.</param>
internal readonly partial record struct FtpMessage(
    FtpMessageKind Kind,
    bool IsPassive,
    uint Address,
    Ipv6Address Address6,
    ushort Port,
    int AddressAt,
    int AddressSizeBytes)
{
    /// <summary>Bytes of a message that are looked at, the last of them not included.</summary>
    private const int LargestBytes = 128;

    /// <summary>Reads the payload of a segment.</summary>
    public static FtpMessage Read(ReadOnlySpan<byte> payload, bool ipv6)
    {
        // What is copied ends before the last byte, and at the first zero byte.
        ReadOnlySpan<byte> m = payload[..Math.Max(0, Math.Min(payload.Length, LargestBytes) - 1)];
        int zero = m.IndexOf((byte)0);
        if (zero >= 0) m = m[..zero];
        return ipv6 ? ReadIpv6(m) : ReadIpv4(m);
    }

    private static FtpMessage Invalid(bool passive) => new() { Kind = FtpMessageKind.Invalid, IsPassive = passive };

    private static bool Begins(ReadOnlySpan<byte> m, ReadOnlySpan<byte> with) => m.Length >= with.Length && Ascii.EqualsIgnoreCase(m[..with.Length], with);

    private static bool IsDigit(byte c) => c is >= (byte)'0' and <= (byte)'9';

    private static void SkipToDigit(ReadOnlySpan<byte> m, ref int at)
    {
        while (at < m.Length && !IsDigit(m[at])) at++;
    }

    /// <summary>A number of at most <paramref name="maxDigits"/> digits; what digits follow stay. False if there is none or it is above <paramref name="max"/>.</summary>
    private static bool TryNumber(ReadOnlySpan<byte> m, ref int at, int maxDigits, uint max, out uint value)
    {
        int start = at;
        value = 0;
        while (at < m.Length && at - start < maxDigits && IsDigit(m[at]))
        {
            value = (value * 10) + (uint)(m[at++] - '0');
            if (value > max) return false;
        }

        return at > start;
    }
}
