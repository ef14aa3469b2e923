using System.Numerics;
using System.Text;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>Symbolic flags: <c>+syn-ack</c>, <c>new|trk</c>, <c>0x12/0x3f</c> (OVS <c>parse_flags</c>, <c>format_flags_masked</c>).</summary>
internal sealed class FlagText
{
    /// <summary>Conntrack states, bit 0 first (<c>ct_state_to_string</c>).</summary>
    public static readonly FlagText CtState = new("ct_state", 0xff, ["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"]);

    /// <summary>TCP flags, bit 0 first (<c>packet_tcp_flag_to_string</c>).</summary>
    public static readonly FlagText Tcp = new("TCP", 0xfff, ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"]);

    /// <summary>Tunnel flags, bit 0 first (<c>flow_tun_flag_to_string</c>); only the first is public.</summary>
    public static readonly FlagText Tunnel = new("tunnel", 0x1, ["oam", "df", "csum", "key"]);

    private readonly string _name;
    private readonly uint _allowed;
    private readonly string[] _bits;

    private FlagText(string name, uint allowed, string[] bits) => (_name, _allowed, _bits) = (name, allowed, bits);

    /// <summary>The table that a field format uses.</summary>
    public static FlagText For(FieldFormat format) => format switch
    {
        FieldFormat.CtState => CtState,
        FieldFormat.TcpFlags => Tcp,
        _ => Tunnel,
    };

    /// <summary>Value and mask; a mask of all ones in 32 bits when the text has none.</summary>
    public (uint Value, uint Mask) Parse(TextPiece text)
    {
        ReadOnlySpan<char> s = text.Span;
        int slash = s.IndexOf('/');
        if (slash >= 0
            && NumberText.TryParse(s[..slash], uint.MaxValue, out UInt128 v)
            && NumberText.TryParse(s[(slash + 1)..], uint.MaxValue, out UInt128 m))
        {
            if ((((uint)v | (uint)m) & ~_allowed) != 0) Unknown(text);
            return ((uint)v, (uint)m);
        }

        return s.StartsWith("+") || s.StartsWith("-") ? Signed(text) : (Plain(text), uint.MaxValue);
    }

    /// <summary><c>+a-b</c> for a partial mask, <c>a|b</c> for a full one.</summary>
    public string Format(uint value, uint mask, uint fullMask)
    {
        if (mask == fullMask) return FormatPlain(value, '|');
        if (mask == 0) return "0/0";
        if ((mask & ~((1u << _bits.Length) - 1)) != 0) return $"0x{value:x}/0x{mask:x}";
        var text = new StringBuilder();
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int bit = BitOperations.TrailingZeroCount(rest);
            text.Append((value >> bit & 1) != 0 ? '+' : '-').Append(_bits[bit]);
        }

        return text.ToString();
    }

    /// <summary>Set flags joined by <paramref name="separator"/>; 0 if there are none.</summary>
    public string FormatPlain(uint value, char separator)
    {
        if (value == 0) return "0";
        var text = new StringBuilder();
        for (uint rest = value; rest != 0; rest &= rest - 1)
        {
            int bit = BitOperations.TrailingZeroCount(rest);
            if (text.Length > 0) text.Append(separator);
            if (bit < _bits.Length) text.Append(_bits[bit]);
            else text.Append(NumberText.Hex(1u << bit));
        }

        return text.ToString();
    }

    private (uint Value, uint Mask) Signed(TextPiece text)
    {
        uint value = 0, mask = 0;
        ReadOnlySpan<char> s = text.Span;
        for (int at = 0; at < s.Length;)
        {
            if (s[at] is not ('+' or '-')) text.Slice(at).Fail($"{text.Slice(at)}: {_name} must be preceded by '+' (for SET) or '-' (NOT SET)");
            bool set = s[at++] == '+';
            int n = s[at..].IndexOfAny('+', '-');
            if (n < 0) n = s.Length - at;
            uint bit = BitOf(s.Slice(at, n));
            if (bit == 0 || (bit & _allowed) == 0) Unknown(text.Slice(at));
            if ((mask & bit) != 0) text.Slice(at).Fail($"{text.Slice(at)}: Each {_name} flag can be specified only once");
            mask |= bit;
            if (set) value |= bit;
            at += n;
        }

        return (value, mask);
    }

    private uint Plain(TextPiece text)
    {
        uint value = 0;
        ReadOnlySpan<char> s = text.Span;
        int at = 0;
        do
        {
            int n = s[at..].IndexOf('|');
            if (n < 0) n = s.Length - at;
            ReadOnlySpan<char> one = s.Slice(at, n);
            uint bits = NumberText.TryParse(one, uint.MaxValue, out UInt128 number) ? (uint)number : BitOf(one);
            if ((bits == 0 && !NumberText.TryParse(one, 0, out _)) || (bits & ~_allowed) != 0) Unknown(text.Slice(at));
            value |= bits;
            at += n + 1;
        }
        while (at < s.Length);
        return value;
    }

    private uint BitOf(ReadOnlySpan<char> name)
    {
        int i = -1;
        for (int k = 0; k < _bits.Length; k++)
        {
            if (name.SequenceEqual(_bits[k])) i = k;
        }

        return i < 0 ? 0 : 1u << i;
    }

    private void Unknown(TextPiece text) => text.Fail($"{text}: unknown {_name} flag(s)");
}
