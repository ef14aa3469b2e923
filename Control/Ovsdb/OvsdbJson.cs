using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Mergeflow.Control.Ovsdb;

/// <summary>How JSON is read and written here: what is not as it must be is one <see cref="OvsdbException"/>.</summary>
internal static class OvsdbJson
{
    private const int ShortLength = 60;

    private static readonly JsonDocumentOptions s_reading = new() { MaxDepth = JsonTextCutter.MaxDepth };
    private static readonly JsonWriterOptions s_writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads one value; it owns its bytes.</summary>
    public static JsonElement Parse(ReadOnlyMemory<byte> text)
    {
        if (!Utf8.IsValid(text.Span)) throw new OvsdbException("a message is no UTF-8");
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, s_reading);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new OvsdbException("a message is not well-formed JSON");
        }
    }

    /// <summary>Writes one value.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, s_writing)) write(json);
        return bytes.ToArray();
    }

    /// <summary>Makes one value.</summary>
    public static JsonElement Make(Action<Utf8JsonWriter> write) => Parse(Write(write));

    /// <summary>The text of a string.</summary>
    public static string Text(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.String) throw new OvsdbException($"{Short(json)}: no string");
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new OvsdbException("a string is no UTF-8");
        }
    }

    /// <summary>The members of an object. A name that is not UTF-8 is refused; of two of a name the last one counts, as in <c>ovsdb-server</c>.</summary>
    public static IEnumerable<KeyValuePair<string, JsonElement>> Members(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new OvsdbException($"{Short(json)}: no object");
        Dictionary<string, JsonElement> members = [];
        foreach (JsonProperty member in json.EnumerateObject())
        {
            string name;
            try
            {
                name = member.Name;
            }
            catch (InvalidOperationException)
            {
                throw new OvsdbException("a name is no UTF-8");
            }

            members[name] = member.Value;
        }

        return members;
    }

    /// <summary>The elements of an array.</summary>
    public static JsonElement[] Elements(JsonElement json)
        => json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray()] : throw new OvsdbException($"{Short(json)}: no array");

    /// <summary><c>["word", value]</c>.</summary>
    public static bool TryPair(JsonElement json, [NotNullWhen(true)] out string? word, out JsonElement value)
    {
        (word, value) = (null, default);
        if (json.ValueKind != JsonValueKind.Array || json.GetArrayLength() != 2 || json[0].ValueKind != JsonValueKind.String) return false;
        (word, value) = (Text(json[0]), json[1]);
        return true;
    }

    /// <summary>Its beginning, for a message to people.</summary>
    public static string Short(JsonElement json)
    {
        string text = json.ValueKind == JsonValueKind.Undefined ? "nothing" : json.GetRawText();
        return text.Length <= ShortLength ? text : text[..ShortLength] + "...";
    }
}
