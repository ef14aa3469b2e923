using System.Buffers.Binary;

namespace Mergeflow.Engine;

/// <summary>
/// The two FTP messages that announce a data connection over IPv4: the command PORT and the reply 227 (RFC 959), read as OVS
/// <c>process_ftp_ctl_v4</c> reads them.
/// </summary>
/// <param name="Kind">What the message is.</param>
/// <param name="IsPassive">The reply 227.</param>
/// <param name="Address">Announced address, network order.</param>
/// <param name="Port">Announced port, host order.</param>
/// <param name="AddressAt">Where the address begins in the message.</param>
/// <param name="AddressSizeBytes">Length of the address, commas included.</param>
internal readonly record struct FtpMessage(FtpMessageKind Kind, bool IsPassive, uint Address, ushort Port, int AddressAt, int AddressSizeBytes)
{
    /// <summary>Bytes of a message that are looked at, the last of them not included.</summary>
    private const int LargestBytes = 128;

    /// <summary>Reads the payload of a segment.</summary>
    public static FtpMessage Read(ReadOnlySpan<byte> payload)
    {
        // What is copied ends before the last byte, and at the first zero byte.
        ReadOnlySpan<byte> m = payload[..Math.Max(0, Math.Min(payload.Length, LargestBytes) - 1)];
        int zero = m.IndexOf((byte)0);
        if (zero >= 0) m = m[..zero];
        bool isActive = m.Length >= 4 && (m[0] | 0x20) == 'p' && (m[1] | 0x20) == 'o' && (m[2] | 0x20) == 'r' && (m[3] | 0x20) == 't';
        if (!isActive && !m.StartsWith("227"u8)) return default;

        var invalid = new FtpMessage(FtpMessageKind.Invalid, !isActive, 0, 0, 0, 0);
        int at = isActive ? 4 : 3;
        int space = m[at..].IndexOf((byte)' ');
        if (space < 0) return invalid;
        at += space;
        while (at < m.Length && !IsDigit(m[at])) at++;
        int start = at;
        uint address = 0;
        for (int group = 0; group < 4; group++)
        {
            if (!TryByte(m, ref at, strict: true, out uint value) || at == m.Length || m[at] != ',') return invalid;
            address = (address << 8) | value;
            at++;
        }

        int size = at - 1 - start;
        if (!TryByte(m, ref at, strict: false, out uint high)) return invalid;

        // Whatever is between the two halves of the port is skipped.
        at++;
        if (!TryByte(m, ref at, strict: false, out uint low)) return invalid;
        return new FtpMessage(FtpMessageKind.Announcement, !isActive, BinaryPrimitives.ReverseEndianness(address), (ushort)((high << 8) | low), start, size);
    }

    private static bool IsDigit(byte c) => c is >= (byte)'0' and <= (byte)'9';

    /// <summary>A number up to 255; a strict one, of an address, has no leading zero.</summary>
    private static bool TryByte(ReadOnlySpan<byte> m, ref int at, bool strict, out uint value)
    {
        int start = at;
        value = 0;
        while (at < m.Length && IsDigit(m[at]))
        {
            value = (value * 10) + (uint)(m[at++] - '0');
            if (value > 255) return false;
        }

        return at > start && (!strict || at == start + 1 || m[start] != '0');
    }
}
