using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Control.Ovsdb;

/// <summary>Types of atoms (RFC 7047 section 3.2, <c>atomic-type</c>).</summary>
public enum OvsdbAtomType : byte
{
    /// <summary>A signed number of 64 bits.</summary>
    Integer,

    /// <summary>A double.</summary>
    Real,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>Text.</summary>
    String,

    /// <summary>Names a row; in a transaction also by a name of the transaction's own (<c>named-uuid</c>).</summary>
    Uuid,
}

/// <summary>One value (RFC 7047 section 5.1, <c>atom</c>). Compares as Open vSwitch sorts (<c>ovsdb_atom_compare_3way</c>): by number, ordinal text, or UUID.</summary>
public readonly struct OvsdbAtom : IEquatable<OvsdbAtom>, IComparable<OvsdbAtom>
{
    private readonly long _bits;
    private readonly string? _text;
    private readonly Guid _uuid;

    private OvsdbAtom(OvsdbAtomType type, long bits, string? text, Guid uuid) => (Type, _bits, _text, _uuid) = (type, bits, text, uuid);

    /// <summary>What it is.</summary>
    public OvsdbAtomType Type { get; }

    /// <summary>Of an integer; 0 for others.</summary>
    public long Integer => Type == OvsdbAtomType.Integer ? _bits : 0;

    /// <summary>Of a real; 0 for others.</summary>
    public double Real => Type == OvsdbAtomType.Real ? BitConverter.Int64BitsToDouble(_bits) : 0;

    /// <summary>Of a boolean; false for others.</summary>
    public bool Boolean => Type == OvsdbAtomType.Boolean && _bits != 0;

    /// <summary>Of a string; empty for others.</summary>
    public string Text => Type == OvsdbAtomType.String ? _text ?? "" : "";

    /// <summary>Of a UUID that is no name; zero for others.</summary>
    public Guid Uuid => _uuid;

    /// <summary>An integer.</summary>
    public static OvsdbAtom Of(long value) => new(OvsdbAtomType.Integer, value, null, default);

    /// <summary>A real; not one that JSON cannot say.</summary>
    public static OvsdbAtom Of(double value)
    {
        if (!double.IsFinite(value)) throw new ArgumentOutOfRangeException(nameof(value));
        return new(OvsdbAtomType.Real, BitConverter.DoubleToInt64Bits(value == 0 ? 0 : value), null, default);
    }

    /// <summary>A boolean.</summary>
    public static OvsdbAtom Of(bool value) => new(OvsdbAtomType.Boolean, value ? 1 : 0, null, default);

    /// <summary>A string.</summary>
    public static OvsdbAtom Of(string value) => new(OvsdbAtomType.String, 0, value, default);

    /// <summary>A row.</summary>
    public static OvsdbAtom Of(Guid value) => new(OvsdbAtomType.Uuid, 0, null, value);

    /// <summary>A row that the same transaction inserts under this name.</summary>
    public static OvsdbAtom OfRowName(string name) => new(OvsdbAtomType.Uuid, 0, name, default);

    /// <summary>What a column has that nobody has set (RFC 7047 section 5.2.1).</summary>
    public static OvsdbAtom DefaultOf(OvsdbAtomType type) => type == OvsdbAtomType.String ? Of("") : new(type, 0, null, default);

    /// <summary>Reads an atom.</summary>
    /// <exception cref="OvsdbException">It is none of this type.</exception>
    public static OvsdbAtom Parse(JsonElement json, OvsdbAtomType type)
    {
        switch (type)
        {
            case OvsdbAtomType.Integer when json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out long integer):
                return Of(integer);
            case OvsdbAtomType.Real when json.ValueKind == JsonValueKind.Number && json.TryGetDouble(out double real) && double.IsFinite(real):
                return Of(real);
            case OvsdbAtomType.Boolean when json.ValueKind is JsonValueKind.True or JsonValueKind.False:
                return Of(json.ValueKind == JsonValueKind.True);
            case OvsdbAtomType.String when json.ValueKind == JsonValueKind.String:
                return Of(OvsdbJson.Text(json));
            case OvsdbAtomType.Uuid when OvsdbJson.TryPair(json, out string? word, out JsonElement of) && of.ValueKind == JsonValueKind.String:
                if (word == "named-uuid") return OfRowName(OvsdbJson.Text(of));
                if (word == "uuid" && Guid.TryParseExact(OvsdbJson.Text(of), "D", out Guid uuid)) return Of(uuid);
                break;
        }

        throw new OvsdbException($"{OvsdbJson.Short(json)}: no {type}");
    }

    /// <summary>Writes it.</summary>
    public void Write(Utf8JsonWriter json)
    {
        switch (Type)
        {
            case OvsdbAtomType.Integer:
                json.WriteNumberValue(_bits);
                break;
            case OvsdbAtomType.Real:
                json.WriteNumberValue(Real);
                break;
            case OvsdbAtomType.Boolean:
                json.WriteBooleanValue(Boolean);
                break;
            case OvsdbAtomType.String:
                json.WriteStringValue(Text);
                break;
            default:
                json.WriteStartArray();
                json.WriteStringValue(_text is null ? "uuid" : "named-uuid");
                json.WriteStringValue(_text ?? _uuid.ToString("D"));
                json.WriteEndArray();
                break;
        }
    }

    /// <inheritdoc/>
    public int CompareTo(OvsdbAtom other)
    {
        if (Type != other.Type) return Type.CompareTo(other.Type);
        return Type switch
        {
            OvsdbAtomType.Real => Real.CompareTo(other.Real),
            OvsdbAtomType.String => string.CompareOrdinal(_text, other._text),
            OvsdbAtomType.Uuid => _uuid.CompareTo(other._uuid) is var byUuid && byUuid != 0 ? byUuid : string.CompareOrdinal(_text, other._text),
            _ => _bits.CompareTo(other._bits),
        };
    }

    /// <inheritdoc/>
    public bool Equals(OvsdbAtom other) => Type == other.Type && _bits == other._bits && _uuid == other._uuid && _text == other._text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is OvsdbAtom other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Type, _bits, _text, _uuid);

    /// <summary>For people.</summary>
    public override string ToString() => Type switch
    {
        OvsdbAtomType.Integer => _bits.ToString(CultureInfo.InvariantCulture),
        OvsdbAtomType.Real => Real.ToString(CultureInfo.InvariantCulture),
        OvsdbAtomType.Boolean => Boolean ? "true" : "false",
        OvsdbAtomType.String => Text,
        _ => _text ?? _uuid.ToString("D"),
    };

    /// <summary>The same value.</summary>
    public static bool operator ==(OvsdbAtom a, OvsdbAtom b) => a.Equals(b);

    /// <summary>Another value.</summary>
    public static bool operator !=(OvsdbAtom a, OvsdbAtom b) => !a.Equals(b);

    /// <summary>Stands before.</summary>
    public static bool operator <(OvsdbAtom a, OvsdbAtom b) => a.CompareTo(b) < 0;

    /// <summary>Stands behind.</summary>
    public static bool operator >(OvsdbAtom a, OvsdbAtom b) => a.CompareTo(b) > 0;

    /// <summary>Does not stand behind.</summary>
    public static bool operator <=(OvsdbAtom a, OvsdbAtom b) => a.CompareTo(b) <= 0;

    /// <summary>Does not stand before.</summary>
    public static bool operator >=(OvsdbAtom a, OvsdbAtom b) => a.CompareTo(b) >= 0;
}
