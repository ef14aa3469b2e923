using Mergeflow.Control.Ovsdb;

namespace Mergeflow.Control.Bridges;

/// <summary>Values that the switch wants to stand in the database; only those that do not are written, all in one transaction.</summary>
public sealed class Writeback
{
    private readonly Dictionary<(string Table, Guid Row), Dictionary<string, OvsdbDatum>> _wanted = [];

    /// <summary>Wants a value.</summary>
    public void Set(OvsdbTable table, Guid row, string column, OvsdbDatum value)
    {
        if (!_wanted.TryGetValue((table.Name, row), out Dictionary<string, OvsdbDatum>? values)) _wanted.Add((table.Name, row), values = []);
        values[column] = value;
    }

    /// <summary>Wants a number; null = none.</summary>
    public void Set(OvsdbTable table, Guid row, string column, long? value) => Set(table, row, column, value is { } number ? OvsdbDatum.Of(OvsdbAtom.Of(number)) : OvsdbDatum.Empty);

    /// <summary>Wants a text; null = none.</summary>
    public void Set(OvsdbTable table, Guid row, string column, string? value) => Set(table, row, column, value is not null ? OvsdbDatum.Of(OvsdbAtom.Of(value)) : OvsdbDatum.Empty);

    /// <summary>Wants a flag.</summary>
    public void Set(OvsdbTable table, Guid row, string column, bool value) => Set(table, row, column, OvsdbDatum.Of(OvsdbAtom.Of(value)));

    /// <summary>Wants texts.</summary>
    public void Set(OvsdbTable table, Guid row, string column, IEnumerable<string> values) => Set(table, row, column, OvsdbDatum.Set(values.Select(OvsdbAtom.Of)));

    /// <summary>Wants pairs of texts.</summary>
    public void Set(OvsdbTable table, Guid row, string column, IEnumerable<KeyValuePair<string, string>> values) => Set(table, row, column, OvsdbDatum.TextMap(values));

    /// <summary>Wants counters.</summary>
    public void Set(OvsdbTable table, Guid row, string column, IEnumerable<KeyValuePair<string, long>> values)
        => Set(table, row, column, OvsdbDatum.Map(values.Select(static v => (OvsdbAtom.Of(v.Key), OvsdbAtom.Of(v.Value)))));

    /// <summary>The transaction that makes it so; null = it is so. Rows that are gone are left out, and columns that the server does not have.</summary>
    /// <param name="replica">What stands there.</param>
    /// <param name="hasColumn">Whether the server has a column of a table.</param>
    public OvsdbTransaction? Against(OvsdbReplica replica, Func<string, string, bool> hasColumn)
    {
        OvsdbTransaction transaction = new(VswitchTables.Database, VswitchTables.Lock);
        foreach (((string table, Guid id), Dictionary<string, OvsdbDatum> values) in _wanted)
        {
            if (replica.Find(table, id) is not { } row) continue;
            KeyValuePair<string, OvsdbDatum>[] different = [.. values.Where(v => hasColumn(table, v.Key) && !row[v.Key].Equals(v.Value))];
            if (different.Length > 0) transaction.Update(table, id, different);
        }

        return transaction.Count == 0 ? null : transaction;
    }
}
