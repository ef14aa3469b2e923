namespace Mergeflow.Control.Ovsdb;

/// <summary>A row of the replica at one moment; a change makes another. A column that the server has not sent has what nobody has set.</summary>
public sealed class OvsdbRow
{
    private readonly Dictionary<string, OvsdbDatum> _values;

    internal OvsdbRow(OvsdbTable table, Guid id, Dictionary<string, OvsdbDatum> values) => (Table, Id, _values) = (table, id, values);

    /// <summary>Its table.</summary>
    public OvsdbTable Table { get; }

    /// <summary>Its UUID.</summary>
    public Guid Id { get; }

    /// <summary>The value of a column of <see cref="Table"/>.</summary>
    public OvsdbDatum this[string column] => _values.TryGetValue(column, out OvsdbDatum? value) ? value : OvsdbDatum.DefaultOf(Table[column].Type);

    /// <summary>Text of a string; empty if there is none.</summary>
    public string Text(string column) => this[column].First?.Text ?? "";

    /// <summary>Text of an optional string.</summary>
    public string? OptionalText(string column) => this[column].First?.Text;

    /// <summary>An integer; null if there is none.</summary>
    public long? Integer(string column) => this[column].First?.Integer;

    /// <summary>A boolean; <paramref name="missing"/> if there is none.</summary>
    public bool Boolean(string column, bool missing = false) => this[column].First?.Boolean ?? missing;

    /// <summary>Strings of a set.</summary>
    public string[] Texts(string column)
    {
        ReadOnlySpan<OvsdbAtom> keys = this[column].Keys;
        string[] texts = new string[keys.Length];
        for (int i = 0; i < keys.Length; i++) texts[i] = keys[i].Text;
        return texts;
    }

    /// <summary>Integers of a set.</summary>
    public long[] Integers(string column)
    {
        ReadOnlySpan<OvsdbAtom> keys = this[column].Keys;
        long[] integers = new long[keys.Length];
        for (int i = 0; i < keys.Length; i++) integers[i] = keys[i].Integer;
        return integers;
    }

    /// <summary>Rows that a set names.</summary>
    public Guid[] References(string column)
    {
        ReadOnlySpan<OvsdbAtom> keys = this[column].Keys;
        Guid[] ids = new Guid[keys.Length];
        for (int i = 0; i < keys.Length; i++) ids[i] = keys[i].Uuid;
        return ids;
    }

    /// <summary>Pairs of a map of strings.</summary>
    public SortedDictionary<string, string> Map(string column)
    {
        OvsdbDatum datum = this[column];
        SortedDictionary<string, string> map = new(StringComparer.Ordinal);
        for (int i = 0; i < datum.Count; i++) map[datum.Keys[i].Text] = datum.Values[i].Text;
        return map;
    }

    /// <summary>The values that differ, and whether they are of columns that others write.</summary>
    internal bool DiffersFrom(OvsdbRow other, bool inOthersColumns)
        => Table.Columns.Any(c => (!inOthersColumns || !c.IsOwn) && !this[c.Name].Equals(other[c.Name]));

    /// <summary>This row with some values changed.</summary>
    internal OvsdbRow With(IEnumerable<KeyValuePair<string, OvsdbDatum>> changed)
    {
        Dictionary<string, OvsdbDatum> values = new(_values);
        foreach ((string column, OvsdbDatum value) in changed) values[column] = value;
        return new(Table, Id, values);
    }
}
