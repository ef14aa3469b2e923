using System.Text.Json;

namespace Mergeflow.Control.Ovsdb;

/// <summary>
/// A copy of the tables that this program uses, kept by the updates that a server sends (OVS <c>lib/ovsdb-idl.c</c>). An update is taken as a whole or not at all. When the copy begins anew, only what is different is a change. For one thread.
/// </summary>
/// <param name="tables">Tables and columns that are kept; others that a server sends are ignored.</param>
public sealed class OvsdbReplica(IReadOnlyList<OvsdbTable> tables)
{
    /// <summary>Rows that are kept at most; a server that sends more is none.</summary>
    public const int MaxRows = 1_000_000;

    private readonly Dictionary<string, OvsdbTable> _tables = tables.ToDictionary(static t => t.Name, StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<Guid, OvsdbRow>> _rows = tables.ToDictionary(static t => t.Name, static _ => new Dictionary<Guid, OvsdbRow>(), StringComparer.Ordinal);

    /// <summary>What has changed since the last <see cref="TakeChanges"/>: the oldest state beside the newest.</summary>
    private Dictionary<Guid, OvsdbChange> _changes = [];

    /// <summary>The tables that are kept.</summary>
    public IReadOnlyList<OvsdbTable> Tables { get; } = tables;

    /// <summary>Rows that are kept.</summary>
    public int RowCount => _rows.Values.Sum(static t => t.Count);

    /// <summary>The rows of a table.</summary>
    public IReadOnlyCollection<OvsdbRow> Rows(string table) => _rows[table].Values;

    /// <summary>A row; null if there is none.</summary>
    public OvsdbRow? Find(string table, Guid id) => _rows[table].GetValueOrDefault(id);

    /// <summary>What has changed since it was last asked for.</summary>
    public IReadOnlyCollection<OvsdbChange> TakeChanges()
    {
        OvsdbChange[] changes = [.. _changes.Values.Where(static c => c.Old is null || c.New is null || c.New.DiffersFrom(c.Old, inOthersColumns: false))];
        _changes = [];
        return changes;
    }

    /// <summary>Takes <c>table-updates</c> of a plain <c>monitor</c> (RFC 7047 section 4.1.6): old and new of each row.</summary>
    /// <param name="updates">Tables with rows.</param>
    /// <param name="isAll">It is all that there is: rows that are not there are gone.</param>
    /// <exception cref="OvsdbException">It is none; nothing has changed.</exception>
    public void Update(JsonElement updates, bool isAll) => Take(updates, isAll, (table, id, old, json) =>
    {
        JsonElement now = OvsdbJson.Members(json).FirstOrDefault(static m => m.Key == "new").Value;
        if (now.ValueKind == JsonValueKind.Undefined) return null;
        OvsdbRow row = old ?? new OvsdbRow(table, id, []);
        return row.With(Values(table, now));
    });

    /// <summary>Takes <c>table-updates2</c> of <c>monitor_cond</c> and <c>monitor_cond_since</c> (ovsdb-server(7) section 4.1.14): differences.</summary>
    /// <param name="updates">Tables with rows.</param>
    /// <param name="isAll">It is all that there is: rows that are not there are gone.</param>
    /// <exception cref="OvsdbException">It is none, or does not fit what is there; nothing has changed.</exception>
    public void Update2(JsonElement updates, bool isAll) => Take(updates, isAll, (table, id, old, json) =>
    {
        KeyValuePair<string, JsonElement>[] members = [.. OvsdbJson.Members(json)];
        if (members is not [(string what, JsonElement value)]) throw new OvsdbException($"{table.Name}: a row is told in {members.Length} ways");
        switch (what)
        {
            case "initial" or "insert":
                return new OvsdbRow(table, id, new(Values(table, value)));
            case "delete":
                return null;
            case "modify":
                if (old is null) throw new OvsdbException($"{table.Name}: row {id} changes, but is not there");
                return old.With(Values(table, value).Select(v => new KeyValuePair<string, OvsdbDatum>(v.Key, old[v.Key].Apply(v.Value, table[v.Key].Type))));
            default:
                throw new OvsdbException($"{table.Name}: a row cannot be told to {what}");
        }
    });

    private static IEnumerable<KeyValuePair<string, OvsdbDatum>> Values(OvsdbTable table, JsonElement json)
    {
        foreach ((string name, JsonElement value) in OvsdbJson.Members(json))
        {
            if (!table.TryFind(name, out OvsdbColumn? column)) continue;
            OvsdbDatum datum;
            try
            {
                datum = OvsdbDatum.Parse(value, column.Type);
            }
            catch (OvsdbException e)
            {
                throw new OvsdbException($"{table.Name}.{name}: {e.Message}");
            }

            yield return new(name, datum);
        }
    }

    private void Take(JsonElement updates, bool isAll, Func<OvsdbTable, Guid, OvsdbRow?, JsonElement, OvsdbRow?> read)
    {
        List<(string Table, Guid Id, OvsdbRow? Row)> taken = [];
        int come = 0;
        foreach ((string name, JsonElement rows) in OvsdbJson.Members(updates))
        {
            if (!_tables.TryGetValue(name, out OvsdbTable? table)) continue;
            foreach ((string text, JsonElement json) in OvsdbJson.Members(rows))
            {
                if (!Guid.TryParseExact(text, "D", out Guid id)) throw new OvsdbException($"{name}: a row has no UUID");
                OvsdbRow? old = isAll ? null : Find(name, id);
                OvsdbRow? row = read(table, id, old, json);
                if (old is null && row is not null) come++;
                taken.Add((name, id, row));
            }
        }

        if (come + (isAll ? 0 : RowCount) > MaxRows) throw new OvsdbException($"more than {MaxRows} rows");
        if (isAll)
        {
            HashSet<(string, Guid)> stay = [.. taken.Select(static t => (t.Table, t.Id))];
            foreach ((string table, Dictionary<Guid, OvsdbRow> rows) in _rows)
            {
                foreach (Guid id in rows.Keys.Where(id => !stay.Contains((table, id))).ToArray()) Put(table, id, null);
            }
        }

        foreach ((string table, Guid id, OvsdbRow? row) in taken) Put(table, id, row);
    }

    private void Put(string table, Guid id, OvsdbRow? row)
    {
        Dictionary<Guid, OvsdbRow> rows = _rows[table];
        rows.TryGetValue(id, out OvsdbRow? old);
        if (old is null && row is null) return;
        if (row is null) rows.Remove(id);
        else rows[id] = row;
        OvsdbChange change = new(_changes.TryGetValue(id, out OvsdbChange before) ? before.Old : old, row);
        if (change is { Old: null, New: null }) _changes.Remove(id);
        else _changes[id] = change;
    }
}
