using System.Text.Json;

namespace Mergeflow.Control.Ovsdb;

/// <summary>Puts operations of one <c>transact</c> together (RFC 7047 section 5.2). It ends with <c>assert</c> of the lock, as the transactions of OVS's IDL do, so one that has lost it changes nothing.</summary>
/// <param name="database">Name of the database.</param>
/// <param name="assertLock">Lock without which nothing may change; null = none.</param>
public sealed class OvsdbTransaction(string database, string? assertLock)
{
    private readonly List<Action<Utf8JsonWriter>> _operations = [];

    /// <summary>Operations so far, without the assertion.</summary>
    public int Count => _operations.Count;

    /// <summary>Sets columns of a row.</summary>
    public void Update(string table, Guid row, IReadOnlyCollection<KeyValuePair<string, OvsdbDatum>> values) => _operations.Add(json =>
    {
        json.WriteString("op", "update");
        json.WriteString("table", table);
        WriteWhere(json, row);
        WriteRow(json, values);
    });

    /// <summary>Adds a row.</summary>
    /// <param name="table">Its table.</param>
    /// <param name="name">For other operations of the transaction: <see cref="OvsdbAtom.OfRowName"/>.</param>
    /// <param name="values">Columns that are set.</param>
    public void Insert(string table, string name, IReadOnlyCollection<KeyValuePair<string, OvsdbDatum>> values) => _operations.Add(json =>
    {
        json.WriteString("op", "insert");
        json.WriteString("table", table);
        json.WriteString("uuid-name", name);
        WriteRow(json, values);
    });

    /// <summary>Takes a row away.</summary>
    public void Delete(string table, Guid row) => _operations.Add(json =>
    {
        json.WriteString("op", "delete");
        json.WriteString("table", table);
        WriteWhere(json, row);
    });

    /// <summary>Adds to a set or map of a row, or takes from it.</summary>
    /// <param name="table">Table of the row.</param>
    /// <param name="row">The row.</param>
    /// <param name="column">The column.</param>
    /// <param name="mutator">E.g. <c>insert</c>, <c>delete</c>, <c>+=</c>.</param>
    /// <param name="value">What is added or taken.</param>
    public void Mutate(string table, Guid row, string column, string mutator, OvsdbDatum value) => _operations.Add(json =>
    {
        json.WriteString("op", "mutate");
        json.WriteString("table", table);
        WriteWhere(json, row);
        json.WriteStartArray("mutations");
        json.WriteStartArray();
        json.WriteStringValue(column);
        json.WriteStringValue(mutator);
        value.Write(json);
        json.WriteEndArray();
        json.WriteEndArray();
    });

    /// <summary>The parameters of <c>transact</c>.</summary>
    public JsonElement Params() => OvsdbJson.Make(json =>
    {
        json.WriteStartArray();
        json.WriteStringValue(database);
        foreach (Action<Utf8JsonWriter> operation in _operations)
        {
            json.WriteStartObject();
            operation(json);
            json.WriteEndObject();
        }

        if (assertLock is not null)
        {
            json.WriteStartObject();
            json.WriteString("op", "assert");
            json.WriteString("lock", assertLock);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>Why a <c>transact</c> was refused; null if it was not (RFC 7047 section 4.1.3: one of the results has an error, those behind it are null).</summary>
    /// <exception cref="OvsdbException">It is no result.</exception>
    public static string? ErrorOf(OvsdbReply reply)
    {
        if (reply.IsError) return OvsdbJson.Short(reply.Error);
        foreach (JsonElement result in OvsdbJson.Elements(reply.Result))
        {
            if (result.ValueKind == JsonValueKind.Null) continue;
            string? error = null, details = null;
            foreach ((string name, JsonElement value) in OvsdbJson.Members(result))
            {
                if (name == "error" && value.ValueKind == JsonValueKind.String) error = OvsdbJson.Text(value);
                if (name == "details" && value.ValueKind == JsonValueKind.String) details = OvsdbJson.Text(value);
            }

            if (error is not null) return details is null ? error : $"{error}: {details}";
        }

        return null;
    }

    private static void WriteWhere(Utf8JsonWriter json, Guid row)
    {
        json.WriteStartArray("where");
        json.WriteStartArray();
        json.WriteStringValue("_uuid");
        json.WriteStringValue("==");
        OvsdbAtom.Of(row).Write(json);
        json.WriteEndArray();
        json.WriteEndArray();
    }

    private static void WriteRow(Utf8JsonWriter json, IReadOnlyCollection<KeyValuePair<string, OvsdbDatum>> values)
    {
        json.WriteStartObject("row");
        foreach ((string column, OvsdbDatum value) in values)
        {
            json.WritePropertyName(column);
            value.Write(json);
        }

        json.WriteEndObject();
    }
}
