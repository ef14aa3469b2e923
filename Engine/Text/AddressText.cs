using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Ethernet, IPv4 and IPv6 addresses, as numbers; and their <c>address/mask</c> forms.</summary>
internal static class AddressText
{
    /// <summary>Six groups of one or two hexadecimal digits between colons.</summary>
    public static bool TryEthernet(ReadOnlySpan<char> s, out ulong value)
    {
        value = 0;
        int groups = 0;
        foreach (Range r in s.Split(':'))
        {
            ReadOnlySpan<char> g = s[r];
            if (++groups > 6 || g.Length is 0 or > 2) return false;
            if (!byte.TryParse(g, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte b)) return false;
            value = (value << 8) | b;
        }

        return groups == 6;
    }

    /// <summary>Four decimal groups between dots.</summary>
    public static bool TryIpv4(ReadOnlySpan<char> s, out uint value)
    {
        value = 0;
        int groups = 0;
        foreach (Range r in s.Split('.'))
        {
            ReadOnlySpan<char> g = s[r];
            if (++groups > 4 || g.Length is 0 or > 3) return false;
            if (!byte.TryParse(g, NumberStyles.None, CultureInfo.InvariantCulture, out byte b)) return false;
            value = (value << 8) | b;
        }

        return groups == 4;
    }

    /// <summary>RFC 4291 text, without zone and brackets.</summary>
    public static bool TryIpv6(ReadOnlySpan<char> s, out UInt128 value)
    {
        value = 0;
        if (s.IndexOfAnyExcept("0123456789abcdefABCDEF:.") >= 0 || !s.Contains(':')) return false;
        if (!IPAddress.TryParse(s, out IPAddress? a) || a.AddressFamily != AddressFamily.InterNetworkV6) return false;
        Span<byte> b = stackalloc byte[16];
        a.TryWriteBytes(b, out _);
        value = Ipv6Address.From(b).ToUInt128();
        return true;
    }

    /// <summary>A mask of <paramref name="width"/> bits with the first <paramref name="prefix"/> set.</summary>
    public static UInt128 PrefixMask(int prefix, int width)
    {
        UInt128 all = width == 128 ? UInt128.MaxValue : (UInt128.One << width) - 1;
        return prefix == 0 ? 0 : (all << (width - prefix)) & all;
    }

    /// <summary>The prefix length of a CIDR mask, or -1.</summary>
    public static int PrefixLength(UInt128 mask, int width)
    {
        int prefix = BitOperations.PopCount((ulong)(mask >> 64)) + BitOperations.PopCount((ulong)mask);
        return mask == PrefixMask(prefix, width) ? prefix : -1;
    }

    /// <summary><c>A</c>, <c>A/prefix</c> or <c>A/mask</c>; hexadecimal masks are accepted too.</summary>
    public static (UInt128 Value, UInt128 Mask) Masked(TextPiece text, FieldFormat format)
    {
        int slash = text.Span.IndexOf('/');
        TextPiece head = slash < 0 ? text : text.Slice(0, slash);
        int width = format switch { FieldFormat.Ethernet => 48, FieldFormat.Ipv4 => 32, _ => 128 };
        if (!TryOne(head.Span, format, out UInt128 value)) text.Fail(format switch
        {
            FieldFormat.Ethernet => $"{text}: invalid Ethernet address",
            FieldFormat.Ipv4 => $"{text}: invalid IP address",
            _ => $"{text}: invalid IPv6 address",
        });
        if (slash < 0) return (value, PrefixMask(width, width));

        TextPiece tail = text.Slice(slash + 1);
        if (TryOne(tail.Span, format, out UInt128 mask)) return (value, mask);
        if (tail.Span.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && NumberText.TryParse(tail.Span, PrefixMask(width, width), out mask)) return (value, mask);
        if (format != FieldFormat.Ethernet && int.TryParse(tail.Span, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int prefix))
        {
            if (prefix < 0 || prefix > width)
            {
                string family = format == FieldFormat.Ipv4 ? "IPv4" : "IPv6";
                tail.Fail($"{text}: {family} network prefix bits not between 0 and {width}, inclusive");
            }

            return (value, PrefixMask(prefix, width));
        }

        throw tail.Error(format switch
        {
            FieldFormat.Ethernet => $"{text}: invalid Ethernet address",
            FieldFormat.Ipv4 => $"{text}: invalid IP address",
            _ => $"{text}: Invalid IPv6 mask",
        });
    }

    /// <summary>The address as text: colon-separated, dotted or RFC 5952.</summary>
    public static string Format(UInt128 value, FieldFormat format) => format switch
    {
        FieldFormat.Ethernet => EthAddress.FromUInt64((ulong)value).ToString(),
        FieldFormat.Ipv4 => $"{(byte)(value >> 24)}.{(byte)(value >> 16)}.{(byte)(value >> 8)}.{(byte)value}",
        _ => Ipv6Address.FromUInt128(value).ToString(),
    };

    /// <summary><c>A</c>, <c>A/prefix</c> or <c>A/mask</c> as OVS prints it.</summary>
    public static string FormatMasked(UInt128 value, UInt128 mask, FieldFormat format)
    {
        int width = format switch { FieldFormat.Ethernet => 48, FieldFormat.Ipv4 => 32, _ => 128 };
        if (mask == PrefixMask(width, width)) return Format(value, format);
        int prefix = PrefixLength(mask, width);
        return format != FieldFormat.Ethernet && prefix >= 0
            ? $"{Format(value, format)}/{prefix}"
            : $"{Format(value, format)}/{Format(mask, format)}";
    }

    private static bool TryOne(ReadOnlySpan<char> s, FieldFormat format, out UInt128 value)
    {
        value = 0;
        if (format == FieldFormat.Ipv6) return TryIpv6(s, out value);
        if (format == FieldFormat.Ipv4)
        {
            bool ok4 = TryIpv4(s, out uint v4);
            value = v4;
            return ok4;
        }

        bool ok = TryEthernet(s, out ulong mac);
        value = mac;
        return ok;
    }
}
