using System.Text.Json;

namespace Mergeflow.Control.Ovsdb;

/// <summary>What a column of a row has: a set of atoms, or a map (OVS <c>struct ovsdb_datum</c>). Keys are sorted and there is one of each. Never changes.</summary>
public sealed class OvsdbDatum : IEquatable<OvsdbDatum>
{
    private readonly OvsdbAtom[] _keys;
    private readonly OvsdbAtom[]? _values;

    private OvsdbDatum(OvsdbAtom[] keys, OvsdbAtom[]? values) => (_keys, _values) = (keys, values);

    /// <summary>No element.</summary>
    public static OvsdbDatum Empty { get; } = new([], null);

    /// <summary>No pair.</summary>
    public static OvsdbDatum EmptyMap { get; } = new([], []);

    /// <summary>Elements, or pairs of a map.</summary>
    public int Count => _keys.Length;

    /// <summary>It has pairs.</summary>
    public bool IsMap => _values is not null;

    /// <summary>Elements of the set, keys of the map, in order.</summary>
    public ReadOnlySpan<OvsdbAtom> Keys => _keys;

    /// <summary>Values of the map, in the order of its keys; none for a set.</summary>
    public ReadOnlySpan<OvsdbAtom> Values => _values;

    /// <summary>The first element.</summary>
    public OvsdbAtom? First => _keys.Length == 0 ? null : _keys[0];

    /// <summary>One element.</summary>
    public static OvsdbDatum Of(OvsdbAtom atom) => new([atom], null);

    /// <summary>A set.</summary>
    public static OvsdbDatum Set(IEnumerable<OvsdbAtom> atoms) => new([.. new SortedSet<OvsdbAtom>(atoms)], null);

    /// <summary>A map of strings; of two pairs with a key the last one counts.</summary>
    public static OvsdbDatum TextMap(IEnumerable<KeyValuePair<string, string>> pairs) => Map(pairs.Select(static p => (OvsdbAtom.Of(p.Key), OvsdbAtom.Of(p.Value))));

    /// <summary>A map; of two pairs with a key the last one counts.</summary>
    public static OvsdbDatum Map(IEnumerable<(OvsdbAtom Key, OvsdbAtom Value)> pairs)
    {
        SortedDictionary<OvsdbAtom, OvsdbAtom> sorted = [];
        foreach ((OvsdbAtom key, OvsdbAtom value) in pairs) sorted[key] = value;
        return new([.. sorted.Keys], [.. sorted.Values]);
    }

    /// <summary>What a column has that nobody has set.</summary>
    public static OvsdbDatum DefaultOf(OvsdbType type)
    {
        if (type.Value is not null) return EmptyMap;
        return type.IsOptional ? Empty : Of(OvsdbAtom.DefaultOf(type.Key));
    }

    /// <summary>Reads a value of a column, or the difference of two (RFC 7047 section 5.1, <c>value</c>).</summary>
    /// <exception cref="OvsdbException">It is none of this type.</exception>
    public static OvsdbDatum Parse(JsonElement json, OvsdbType type)
    {
        bool isPair = OvsdbJson.TryPair(json, out string? word, out JsonElement of);
        if (type.Value is { } valueType)
        {
            if (!isPair || word != "map") throw new OvsdbException($"{OvsdbJson.Short(json)}: no map");
            List<(OvsdbAtom, OvsdbAtom)> pairs = [];
            foreach (JsonElement pair in OvsdbJson.Elements(of))
            {
                JsonElement[] two = OvsdbJson.Elements(pair);
                if (two.Length != 2) throw new OvsdbException($"{OvsdbJson.Short(pair)}: no pair");
                pairs.Add((OvsdbAtom.Parse(two[0], type.Key), OvsdbAtom.Parse(two[1], valueType)));
            }

            OvsdbDatum map = Map(pairs);
            return map.Count == pairs.Count ? map : throw new OvsdbException($"{OvsdbJson.Short(json)}: a key twice");
        }

        if (!isPair || word != "set") return Of(OvsdbAtom.Parse(json, type.Key));
        JsonElement[] elements = OvsdbJson.Elements(of);
        if (elements.Length > 1 && !type.IsMany) throw new OvsdbException($"{OvsdbJson.Short(json)}: more than one element");
        OvsdbDatum set = Set(elements.Select(e => OvsdbAtom.Parse(e, type.Key)));
        return set.Count == elements.Length ? set : throw new OvsdbException($"{OvsdbJson.Short(json)}: an element twice");
    }

    /// <summary>
    /// What becomes of this value by a difference of <c>update2</c> (OVS <c>ovsdb_datum_apply_diff</c>): a column that has at most one element takes it as it is; elements that both have go, others come; of a map a pair
    /// that is the same goes, a key with another value takes it.
    /// </summary>
    public OvsdbDatum Apply(OvsdbDatum difference, OvsdbType type)
    {
        if (!type.IsMany) return difference;
        if (!IsMap)
        {
            SortedSet<OvsdbAtom> set = [.. _keys];
            set.SymmetricExceptWith(difference._keys);
            return new([.. set], null);
        }

        SortedDictionary<OvsdbAtom, OvsdbAtom> map = [];
        for (int i = 0; i < _keys.Length; i++) map[_keys[i]] = _values![i];
        for (int i = 0; i < difference._keys.Length; i++)
        {
            OvsdbAtom key = difference._keys[i], value = difference._values![i];
            if (map.TryGetValue(key, out OvsdbAtom old) && old == value) map.Remove(key);
            else map[key] = value;
        }

        return new([.. map.Keys], [.. map.Values]);
    }

    /// <summary>The value of a key of a map of strings; null if it is not there.</summary>
    public string? TextOf(string key)
    {
        int i = Array.BinarySearch(_keys, OvsdbAtom.Of(key));
        return i < 0 || _values is null ? null : _values[i].Text;
    }

    /// <summary>Writes it.</summary>
    public void Write(Utf8JsonWriter json)
    {
        if (_values is null && _keys.Length == 1)
        {
            _keys[0].Write(json);
            return;
        }

        json.WriteStartArray();
        json.WriteStringValue(_values is null ? "set" : "map");
        json.WriteStartArray();
        for (int i = 0; i < _keys.Length; i++)
        {
            if (_values is null)
            {
                _keys[i].Write(json);
                continue;
            }

            json.WriteStartArray();
            _keys[i].Write(json);
            _values[i].Write(json);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndArray();
    }

    /// <inheritdoc/>
    public bool Equals(OvsdbDatum? other) => other is not null && IsMap == other.IsMap && _keys.AsSpan().SequenceEqual(other._keys) && Values.SequenceEqual(other.Values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as OvsdbDatum);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (OvsdbAtom key in _keys) hash.Add(key);
        foreach (OvsdbAtom value in Values) hash.Add(value);
        return hash.ToHashCode();
    }

    /// <summary>For people, as <c>ovs-vsctl</c> writes it.</summary>
    public override string ToString()
    {
        if (_values is not null) return "{" + string.Join(", ", _keys.Zip(_values, static (k, v) => $"{k}={v}")) + "}";
        return _keys.Length == 1 ? _keys[0].ToString() : "[" + string.Join(", ", _keys) + "]";
    }
}
