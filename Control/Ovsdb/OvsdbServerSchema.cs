using System.Text;
using System.Text.Json;

namespace Mergeflow.Control.Ovsdb;

/// <summary>Which tables and columns a server has (RFC 7047 section 3.2, <c>database-schema</c>): an older one has fewer than this program knows.</summary>
public sealed class OvsdbServerSchema
{
    private readonly Dictionary<string, HashSet<string>> _tables = new(StringComparer.Ordinal);

    private OvsdbServerSchema()
    {
    }

    /// <summary>Reads a schema as the column <c>schema</c> of <c>_Server</c> has it.</summary>
    /// <exception cref="OvsdbException">It is none.</exception>
    public static OvsdbServerSchema Parse(string text) => Parse(OvsdbJson.Parse(Encoding.UTF8.GetBytes(text)));

    /// <summary>Reads a schema as <c>get_schema</c> returns it.</summary>
    /// <exception cref="OvsdbException">It is none.</exception>
    public static OvsdbServerSchema Parse(JsonElement json)
    {
        OvsdbServerSchema schema = new();
        foreach ((string name, JsonElement value) in OvsdbJson.Members(json))
        {
            if (name != "tables") continue;
            foreach ((string table, JsonElement of) in OvsdbJson.Members(value))
            {
                JsonElement columns = OvsdbJson.Members(of).FirstOrDefault(static m => m.Key == "columns").Value;
                schema._tables[table] = [.. OvsdbJson.Members(columns).Select(static m => m.Key)];
            }
        }

        return schema;
    }

    /// <summary>Whether the server has the column.</summary>
    public bool Has(string table, string column) => _tables.TryGetValue(table, out HashSet<string>? columns) && columns.Contains(column);

    /// <summary>Whether the server has the table.</summary>
    public bool Has(string table) => _tables.ContainsKey(table);
}
