namespace Mergeflow.Control.Ovsdb;

/// <summary>Type of a column (RFC 7047 section 3.2, <c>type</c>).</summary>
/// <param name="Key">Of the elements of a set, of the keys of a map.</param>
/// <param name="Value">Of the values of a map; null for a set.</param>
/// <param name="IsOptional">May be empty.</param>
/// <param name="IsMany">May have more than one element.</param>
public readonly record struct OvsdbType(OvsdbAtomType Key, OvsdbAtomType? Value, bool IsOptional, bool IsMany)
{
    /// <summary>Always one.</summary>
    public static OvsdbType One(OvsdbAtomType key) => new(key, null, false, false);

    /// <summary>One or none.</summary>
    public static OvsdbType Optional(OvsdbAtomType key) => new(key, null, true, false);

    /// <summary>Any number.</summary>
    public static OvsdbType Set(OvsdbAtomType key) => new(key, null, true, true);

    /// <summary>Any number of pairs.</summary>
    public static OvsdbType Map(OvsdbAtomType key, OvsdbAtomType value) => new(key, value, true, true);
}
