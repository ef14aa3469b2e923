using System.Text.Json;
using System.Text.Json.Serialization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>Reads and writes <see cref="ResultsFile"/> as JSON.</summary>
public static class ResultsJson
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        NewLine = "\n",
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>As text, with a final newline.</summary>
    public static string Write(ResultsFile results) => JsonSerializer.Serialize(results, s_options) + "\n";

    /// <summary>From text; <paramref name="name"/> is for the message.</summary>
    /// <exception cref="PerfException">Not JSON, another schema, a version from the future, or a member is missing.</exception>
    public static ResultsFile Read(string text, string name)
    {
        try
        {
            CheckHeader(text, name);
            return JsonSerializer.Deserialize<ResultsFile>(text, s_options) ?? throw PerfException.BadInput($"{name}: null is no results file");
        }
        catch (JsonException e)
        {
            throw PerfException.BadInput($"{name}: line {(e.LineNumber ?? 0) + 1}: {Reason(e)}");
        }
    }

    /// <summary>From a file.</summary>
    /// <exception cref="PerfException">It cannot be read.</exception>
    public static ResultsFile Load(string path)
    {
        try
        {
            return Read(InputFile.ReadText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PerfException.Failed(e.Message);
        }
    }

    /// <summary>What a JSON parser has to say, without the position that it repeats.</summary>
    internal static string Reason(JsonException e) => e.Message.Split(" Path:")[0].Split(" LineNumber:")[0];

    private static void CheckHeader(string text, string name)
    {
        using var document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        bool isOurs = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("schema", out JsonElement schema)
            && schema.ValueKind == JsonValueKind.String && schema.GetString() == ResultsFile.SchemaName;
        if (!isOurs) throw PerfException.BadInput($"{name}: not a results file (no \"schema\": \"{ResultsFile.SchemaName}\")");
        int version = root.TryGetProperty("version", out JsonElement v) && v.TryGetInt32(out int n) ? n : 0;
        if (version != ResultsFile.CurrentVersion)
            throw PerfException.BadInput($"{name}: version {version} of the schema; this program reads version {ResultsFile.CurrentVersion}");
    }
}
