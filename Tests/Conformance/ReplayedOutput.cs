using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>A replay's output file, parsed: what left per event, and the final state when there is one.</summary>
internal sealed class ReplayedOutput
{
    /// <summary>Per event number: (port, lower-case hex) in order.</summary>
    public Dictionary<long, List<(uint Port, string Hex)>> Events { get; } = [];

    public JsonElement? Final { get; private set; }

    public static ReplayedOutput Parse(Stream lines)
    {
        ReplayedOutput result = new();
        using StreamReader reader = new(lines);
        while (reader.ReadLine() is string line)
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            if (root.TryGetProperty("final", out JsonElement final))
            {
                result.Final = final.Clone();
                continue;
            }
            List<(uint, string)> outputs = [];
            foreach (JsonElement o in root.GetProperty("out").EnumerateArray())
                outputs.Add((o[0].GetUInt32(), o[1].GetString()!.ToLowerInvariant()));
            result.Events[root.GetProperty("i").GetInt64()] = outputs;
        }
        return result;
    }
}
