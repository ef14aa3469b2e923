using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mergeflow.Cli;

/// <summary>JSON for the few values that are written by the serializer rather than by hand.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>Leaves quotes and angle brackets readable: the text goes to terminals and files, never into HTML.</summary>
    public static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    private static readonly CliJson s_readable = new(new JsonSerializerOptions { Encoder = Encoder });

    /// <summary>A JSON string literal, quotes included.</summary>
    public static string Quote(string text) => JsonSerializer.Serialize(text, s_readable.String);
}
