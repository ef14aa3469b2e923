namespace Mergeflow.Engine.Text;

/// <summary>Numbers as C reads them: decimal, 0x hexadecimal, 0 octal, with a sign (<c>strtoull</c> with base 0).</summary>
internal static class NumberText
{
    /// <summary>Reads a number at the start of <paramref name="s"/>; false if there is none or it needs more than 128 bits.</summary>
    /// <remarks>A minus sign negates in 64 bits, as <c>strtoull</c> does: -1 is 0xffffffffffffffff.</remarks>
    public static bool TryRead(ReadOnlySpan<char> s, out UInt128 value, out int length, out bool overflow)
    {
        value = 0;
        overflow = false;
        length = 0;
        int at = 0;
        bool negative = s.Length > 0 && s[0] == '-';
        if (s.Length > 0 && s[0] is '-' or '+') at++;
        uint radix = 10;
        if (at < s.Length && s[at] == '0')
        {
            bool hex = at + 2 < s.Length && s[at + 1] is 'x' or 'X' && char.IsAsciiHexDigit(s[at + 2]);
            radix = hex ? 16u : 8u;
            if (hex) at += 2;
        }

        int first = at;
        for (; at < s.Length; at++)
        {
            uint digit = Digit(s[at]);
            if (digit >= radix) break;
            if (value > (UInt128.MaxValue - digit) / radix) overflow = true;
            value = (value * radix) + digit;
        }

        if (at == first) return false;
        length = at;
        if (negative)
        {
            overflow |= value > ulong.MaxValue;
            value = unchecked(0UL - (ulong)value);
        }

        return true;
    }

    /// <summary>The whole of <paramref name="s"/> as an unsigned number of at most <paramref name="max"/>.</summary>
    public static bool TryParse(ReadOnlySpan<char> s, UInt128 max, out UInt128 value)
        => TryRead(s, out value, out int n, out bool overflow) && n == s.Length && !overflow && value <= max;

    /// <summary>A number as C <c>atoi</c> reads it: what comes first of it in decimal, 0 if there is none; cut to 32 bits.</summary>
    public static int Loose(TextPiece text)
    {
        ReadOnlySpan<char> s = text.Span.TrimStart();
        bool isNegative = s.StartsWith("-");
        if (isNegative || s.StartsWith("+")) s = s[1..];
        long value = 0;
        foreach (char c in s)
        {
            if (!char.IsAsciiDigit(c) || value > int.MaxValue) break;
            value = (10 * value) + c - '0';
        }

        return (int)(isNegative ? -value : value);
    }

    /// <summary>A number of 16 bits or less; the error is <c>invalid NAME "TEXT"</c> (OVS <c>str_to_u16</c>).</summary>
    public static ushort UInt16(TextPiece text, string name)
    {
        if (text.Span.StartsWith("-") || !TryParse(text.Span, ushort.MaxValue, out UInt128 v)) throw text.Error($"invalid {name} \"{text}\"");
        return (ushort)v;
    }

    /// <summary>A number of 8 bits or less; the error is <c>invalid NAME "TEXT"</c> (OVS <c>str_to_u8</c>).</summary>
    public static byte UInt8(TextPiece text, string name)
    {
        if (text.Span.StartsWith("-") || !TryParse(text.Span, byte.MaxValue, out UInt128 v)) throw text.Error($"invalid {name} \"{text}\"");
        return (byte)v;
    }

    /// <summary>OVS <c>str_to_u32</c>, except that a number of more than 32 bits is refused instead of cut.</summary>
    public static uint UInt32(TextPiece text)
    {
        if (text.IsEmpty) text.Fail("missing required numeric argument");
        if (!TryParse(text.Span, uint.MaxValue, out UInt128 v)) text.Fail($"invalid numeric format {text}");
        return (uint)v;
    }

    /// <summary>OVS <c>str_to_u64</c>.</summary>
    public static ulong UInt64(TextPiece text)
    {
        if (text.IsEmpty) text.Fail("missing required numeric argument");
        if (!TryParse(text.Span, ulong.MaxValue, out UInt128 v)) text.Fail($"invalid numeric format {text}");
        return (ulong)v;
    }

    /// <summary>Lower-case hexadecimal as C prints <c>%#x</c>: 0 has no prefix.</summary>
    public static string Hex(UInt128 value) => value == 0 ? "0" : $"0x{value:x}";

    private static uint Digit(char c) => c switch
    {
        >= '0' and <= '9' => (uint)(c - '0'),
        >= 'a' and <= 'f' => (uint)(c - 'a' + 10),
        >= 'A' and <= 'F' => (uint)(c - 'A' + 10),
        _ => uint.MaxValue,
    };
}
