using System.Text;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>What a command has printed inside a switch, and its exit code, as they go to the client: an object in the text of a reply.</summary>
/// <param name="Code">One of <see cref="ExitCode"/>.</param>
/// <param name="Output">For standard output.</param>
/// <param name="Error">For standard error.</param>
internal sealed record LiveAnswer(int Code, string Output, string Error)
{
    /// <summary>As JSON.</summary>
    public string Write()
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Encoder = CliJson.Encoder }))
        {
            json.WriteStartObject();
            json.WriteNumber("code", Code);
            json.WriteString("output", Output);
            json.WriteString("error", Error);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>Reads it.</summary>
    /// <exception cref="IOException">It is none.</exception>
    public static LiveAnswer Read(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            return new LiveAnswer(root.GetProperty("code").GetInt32(), root.GetProperty("output").GetString()!, root.GetProperty("error").GetString()!);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IOException("the switch has answered something else than was asked: its version is another one", e);
        }
    }
}
