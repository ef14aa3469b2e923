using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Field values and field ranges in text (OVS <c>mf_parse</c>, <c>mf_parse_subfield</c>, <c>mf_format</c>).</summary>
internal static class FieldText
{
    /// <summary>Numbers that OVS stores wider than our container: what may be written without an error.</summary>
    public static UInt128 ValueMax(Field field)
        => field.ValueSizeBytes == 16 ? UInt128.MaxValue : (UInt128.One << (8 * field.ValueSizeBytes)) - 1;

    /// <summary>Reads <c>V</c>, <c>V/M</c> or <c>*</c> as <paramref name="field"/>'s format asks.</summary>
    public static FieldValue Parse(Field field, TextPiece text, PortNames ports)
    {
        UInt128 all = ValueMax(field);
        if (text.Is("*")) return new FieldValue(0, 0, all);
        FieldValue v = field.Format switch
        {
            FieldFormat.Ethernet or FieldFormat.Ipv4 or FieldFormat.Ipv6 => Address(field, text, all),
            FieldFormat.Port => Port(field, text, ports, all),
            FieldFormat.Frag => Frag(text),
            FieldFormat.CtState or FieldFormat.TcpFlags or FieldFormat.TunFlags => Flags(field, text, all),
            _ => Integer(field, text, all),
        };
        if (!field.Maskable && !v.IsExact && !v.IsWild) text.Fail($"{text}: invalid mask for field {field.Name}");
        return v;
    }

    /// <summary>A field named without a value matches anything; addresses and ports must have one, as in OVS.</summary>
    public static FieldValue Wild(Field field, TextPiece where)
    {
        bool needsValue = field.Format is FieldFormat.Ethernet or FieldFormat.Ipv4 or FieldFormat.Ipv6 or FieldFormat.Port or FieldFormat.Frag;
        if (needsValue) where.Fail($"field {field.Name} missing value");
        return new FieldValue(0, 0, ValueMax(field));
    }

    /// <summary>Reads <c>FIELD[]</c>, <c>FIELD[n]</c>, <c>FIELD[a..b]</c> or <c>FIELD</c>; returns what follows.</summary>
    public static Subfield ParseSubfield(TextPiece text, out TextPiece rest)
    {
        ReadOnlySpan<char> s = text.Span;
        int nameEnd = s.IndexOfAny('[', '-');
        if (nameEnd < 0) nameEnd = s.Length;
        Field field = FindField(text.Slice(0, nameEnd)) ?? throw text.Error($"{text}: unknown field `{s[..nameEnd]}'");
        rest = text.Slice(nameEnd);
        if (rest.IsEmpty || rest.Span[0] != '[') return Subfield.Whole(field);

        int close = rest.Span.IndexOf(']');
        int start = 0, end = field.BitCount - 1;
        if (close < 0 || !TryRange(rest.Span[1..close], ref start, ref end))
        {
            rest.Fail($"{text}: syntax error expecting [] or [<bit>] or [<start>..<end>]");
        }

        if (start > end) rest.Fail($"{text}: starting bit {start} is after ending bit {end}");
        if (start >= field.BitCount) rest.Fail($"{text}: starting bit {start} is not valid because field is only {field.BitCount} bits wide");
        if (end >= field.BitCount) rest.Fail($"{text}: ending bit {end} is not valid because field is only {field.BitCount} bits wide");
        rest = rest.Slice(close + 1);
        return new Subfield(field, start, end - start + 1);
    }

    /// <summary>A field range that ends the text.</summary>
    public static Subfield ParseWholeSubfield(TextPiece text)
    {
        Subfield sf = ParseSubfield(text, out TextPiece rest);
        if (!rest.IsEmpty) rest.Fail($"{text}: syntax error expecting end of field, found \"{rest}\"");
        return sf;
    }

    /// <summary>By ovs-ofctl name, alias or NXM/OXM name, with an optional <c>_W</c>.</summary>
    /// <exception cref="UnsupportedFeatureException">Open vSwitch has the field.</exception>
    public static Field? FindField(TextPiece name)
    {
        string n = name.ToString();
        if (UnsupportedFields.IsFirstOption(n)) return Fields.TunMetadata0;
        if (UnsupportedFields.Contains(n)) name.Unsupported($"field {n} is not supported");
        return Fields.ByName(n) ?? (n.EndsWith("_W", StringComparison.Ordinal) ? Fields.ByName(n[..^2]) : null);
    }

    /// <summary>The field's text form, with a mask unless it is full.</summary>
    public static string Format(Field field, UInt128 value, UInt128 mask, PortNames ports)
    {
        bool exact = mask == field.MaxValue;
        switch (field.Format)
        {
            case FieldFormat.Port when exact:
                return ports.Format(OfPorts.TryNarrow((uint)value, out uint port) ? port : (uint)value);
            case FieldFormat.Ethernet or FieldFormat.Ipv4 or FieldFormat.Ipv6:
                return AddressText.FormatMasked(value, mask, field.Format);
            case FieldFormat.CtState or FieldFormat.TcpFlags or FieldFormat.TunFlags:
                return FlagText.For(field.Format).Format((uint)value, (uint)mask, (uint)field.MaxValue);
            case FieldFormat.Decimal when exact:
                return value.ToString(System.Globalization.CultureInfo.InvariantCulture);
            default:
                return exact ? NumberText.Hex(value) : $"{NumberText.Hex(value)}/{NumberText.Hex(mask)}";
        }
    }

    private static bool TryRange(ReadOnlySpan<char> s, ref int start, ref int end)
    {
        if (s.IsEmpty) return true;
        int dots = s.IndexOf("..");
        if (dots < 0)
        {
            bool ok = int.TryParse(s, out start);
            end = start;
            return ok && start >= 0;
        }

        return int.TryParse(s[..dots], out start) && int.TryParse(s[(dots + 2)..], out end) && start >= 0;
    }

    private static FieldValue Integer(Field field, TextPiece text, UInt128 all)
    {
        UInt128 value = Number(field, text, text, all, "value", out int length);
        if (length == text.Length) return new FieldValue(value, all, all);
        if (text.Span[length] != '/') text.Slice(length).Fail($"{text}: bad syntax for {field.Name} value");
        TextPiece tail = text.Slice(length + 1);
        UInt128 mask = Number(field, text, tail, all, "mask", out int maskLength);
        if (maskLength != tail.Length) tail.Slice(maskLength).Fail($"{text}: bad syntax for {field.Name} mask");
        return new FieldValue(value, mask, all);
    }

    private static UInt128 Number(Field field, TextPiece whole, TextPiece text, UInt128 all, string what, out int length)
    {
        if (!NumberText.TryRead(text.Span, out UInt128 v, out length, out bool overflow)) text.Fail($"{whole}: bad syntax for {field.Name} {what}");
        if (overflow || v > all) text.Fail($"{whole}: {what} too large for {field.ValueSizeBytes}-byte field {field.Name}");
        return v;
    }

    private static FieldValue Address(Field field, TextPiece text, UInt128 all)
    {
        (UInt128 value, UInt128 mask) = AddressText.Masked(text, field.Format);
        return new FieldValue(value, mask, all);
    }

    private static FieldValue Port(Field field, TextPiece text, PortNames ports, UInt128 all)
    {
        if (!ports.TryParse(text.Span, out uint port)) text.Fail($"{text}: invalid or unknown port for {field.Name}");
        return new FieldValue(port, all, all);
    }

    private static FieldValue Flags(Field field, TextPiece text, UInt128 all)
    {
        (uint value, uint mask) = FlagText.For(field.Format).Parse(text);
        return new FieldValue(value, mask == uint.MaxValue ? all : mask, all);
    }

    private static FieldValue Frag(TextPiece text)
    {
        const uint Both = (uint)(NwFrag.Any | NwFrag.Later);
        const uint Unused = 0xfc;
        (uint Value, uint Mask) v = text.ToString().ToLowerInvariant() switch
        {
            "no" => (0u, Both),
            "first" => ((uint)NwFrag.Any, Both),
            "later" => (Both, Both),
            "yes" => ((uint)NwFrag.Any, (uint)NwFrag.Any),
            "not_later" => (0u, (uint)NwFrag.Later),
            _ => throw text.Error($"{text}: unknown fragment type (valid types are \"no\", \"yes\", \"first\", \"later\", \"not_later\")"),
        };
        return new FieldValue(v.Value, v.Mask | Unused, 0xff);
    }
}
