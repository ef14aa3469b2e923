using System.Buffers.Binary;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>IPv6 addresses as text in a packet: no allocation, the spelling of <c>inet_pton</c> and <c>inet_ntop</c> (RFC 4291, 2.2).</summary>
internal static class Ipv6Wire
{
    /// <summary>Longest text of an address.</summary>
    public const int LongestBytes = 45;

    private const int Groups = 8;

    /// <summary>Reads an address; false if it is none, or if anything is before or behind it.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out Ipv6Address address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address = default;
        int at = 0, filled = 0, gap = -1;
        if (text.Length == 0 || (text[0] == ':' && (text.Length == 1 || text[1] != ':'))) return false;
        if (text[0] == ':') at = 1;
        while (at < text.Length)
        {
            if (text[at] == ':')
            {
                if (gap >= 0) return false;
                gap = filled;
                at++;
                continue;
            }

            int start = at;
            uint group = 0;
            while (at < text.Length && TryHex(text[at], out uint digit))
            {
                if (at - start == 4) return false;
                group = (group << 4) | digit;
                at++;
            }

            bool isLast = at == text.Length;
            if (!isLast && text[at] == '.')
            {
                if (filled > 12 || !TryReadIpv4(text[start..], bytes.Slice(filled, 4))) return false;
                filled += 4;
                break;
            }

            if (at == start || filled == 16 || (!isLast && (text[at] != ':' || at + 1 == text.Length))) return false;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[filled..], (ushort)group);
            filled += 2;
            at++;
        }

        if (gap >= 0 ? filled == 16 : filled != 16) return false;
        if (gap >= 0)
        {
            int behind = filled - gap;
            bytes.Slice(gap, behind).CopyTo(bytes[(16 - behind)..]);
            bytes[gap..(16 - behind)].Clear();
        }

        address = Ipv6Address.From(bytes);
        return true;
    }

    /// <summary>Writes an address, the longest run of zeros as "::", the last four bytes in decimal after 0:0:0:0:0:0 and 0:0:0:0:0:ffff; returns the length.</summary>
    public static int Write(Span<byte> text, in Ipv6Address address)
    {
        UInt128 value = address.ToUInt128();
        (int first, int count) = LongestRun(value);
        int at = 0;
        for (int i = 0; i < Groups; i++)
        {
            if (i >= first && i < first + count)
            {
                if (i == first) text[at++] = (byte)':';
                continue;
            }

            if (i > 0) text[at++] = (byte)':';
            if (i == 6 && first == 0 && (count == 6 || (count == 5 && Group(value, 5) == 0xffff))) return at + WriteIpv4(text[at..], (uint)value, (byte)'.');
            WriteHex(text, ref at, Group(value, i));
        }

        if (count > 0 && first + count == Groups) text[at++] = (byte)':';
        return at;
    }

    /// <summary>Writes the four bytes of an IPv4 address in host order, <paramref name="between"/> them what separates them; returns the length.</summary>
    public static int WriteIpv4(Span<byte> text, uint address, byte between)
    {
        int at = 0;
        for (int i = 0; i < 4; i++, address <<= 8)
        {
            if (i > 0) text[at++] = between;
            uint value = address >> 24;
            if (value >= 100) text[at++] = (byte)('0' + (value / 100));
            if (value >= 10) text[at++] = (byte)('0' + (value / 10 % 10));
            text[at++] = (byte)('0' + (value % 10));
        }

        return at;
    }

    private static ushort Group(UInt128 value, int index) => (ushort)(value >> (112 - (index * 16)));

    /// <summary>The first of the longest runs of zero groups; a single one does not count.</summary>
    private static (int First, int Count) LongestRun(UInt128 value)
    {
        int best = -1, bestCount = 1, count = 0;
        for (int i = 0; i < Groups; i++)
        {
            count = Group(value, i) == 0 ? count + 1 : 0;
            if (count > bestCount) (best, bestCount) = (i + 1 - count, count);
        }

        return best < 0 ? (0, 0) : (best, bestCount);
    }

    private static void WriteHex(Span<byte> text, ref int at, ushort group)
    {
        bool begun = false;
        for (int shift = 12; shift >= 0; shift -= 4)
        {
            int digit = (group >> shift) & 0xf;
            begun |= digit != 0 || shift == 0;
            if (begun) text[at++] = "0123456789abcdef"u8[digit];
        }
    }

    private static bool TryReadIpv4(ReadOnlySpan<byte> text, Span<byte> bytes)
    {
        int at = 0;
        for (int i = 0; i < 4; i++)
        {
            if (i > 0 && (at >= text.Length || text[at++] != '.')) return false;
            int start = at;
            uint value = 0;
            while (at < text.Length && text[at] is >= (byte)'0' and <= (byte)'9')
            {
                if (at > start && value == 0) return false;
                value = (value * 10) + (uint)(text[at++] - '0');
                if (value > 255) return false;
            }

            if (at == start) return false;
            bytes[i] = (byte)value;
        }

        return at == text.Length;
    }

    private static bool TryHex(byte c, out uint digit)
    {
        digit = c switch
        {
            >= (byte)'0' and <= (byte)'9' => (uint)(c - '0'),
            >= (byte)'a' and <= (byte)'f' => (uint)(c - 'a' + 10),
            >= (byte)'A' and <= (byte)'F' => (uint)(c - 'A' + 10),
            _ => 16,
        };
        return digit < 16;
    }
}
