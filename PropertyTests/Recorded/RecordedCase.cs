using System.IO.Compression;
using System.Text.Json;

namespace Mergeflow.PropertyTests;

/// <summary>A recorded case directory: what was sent to Open vSwitch and what it answered.</summary>
internal sealed class RecordedCase
{
    private readonly string _directory;

    public RecordedCase(string name)
    {
        _directory = Path.Combine(DataFolders.Cases, name);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(_directory, "case.json")));
        Ports = json.RootElement.GetProperty("ports").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetUInt32());
        JsonElement config = json.RootElement.GetProperty("config");
        ChecksSequence = !config.TryGetProperty("tcp_seq_chk", out JsonElement check) || check.GetBoolean();
        MinFragmentV4 = config.TryGetProperty("ipf_min_frag_v4", out JsonElement v4) ? v4.GetInt32() : 1200;
        MinFragmentV6 = config.TryGetProperty("ipf_min_frag_v6", out JsonElement v6) ? v6.GetInt32() : 1280;
    }

    public Dictionary<string, uint> Ports { get; }

    public bool ChecksSequence { get; }

    public int MinFragmentV4 { get; }

    public int MinFragmentV6 { get; }

    public IReadOnlyList<FlowMod> Flows()
        => Parser().ParseFlows(File.ReadAllText(Path.Combine(_directory, "flows.txt")));

    public IReadOnlyList<GroupMod> Groups()
    {
        string path = Path.Combine(_directory, "groups.txt");
        return File.Exists(path) ? Parser().ParseGroups(File.ReadAllText(path)) : [];
    }

    public FlowTextParser Parser() => new(new PortNames(Ports));

    public IEnumerable<JsonElement> Events() => Lines("events.jsonl.gz");

    /// <summary>What left per event; <paramref name="newer"/> for what a newer version does, where it differs.</summary>
    public Dictionary<long, List<string>> Answers(bool newer = false)
    {
        Dictionary<long, List<string>> answers = [];
        foreach (JsonElement line in Lines(newer ? "alt.jsonl.gz" : "expected.jsonl.gz"))
        {
            if (!line.TryGetProperty("out", out JsonElement outputs)) continue;
            answers[line.GetProperty("i").GetInt64()] =
                PerPort(outputs.EnumerateArray().Select(o => (o[0].GetUInt32(), o[1].GetString()!)));
        }

        return answers;
    }

    public JsonElement? Final(bool newer = false)
    {
        string path = Path.Combine(_directory, newer ? "alt_final.json.gz" : "final.json.gz");
        if (!File.Exists(path)) return null;
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    /// <summary>Order matters within a port, not between ports.</summary>
    public static List<string> PerPort(IEnumerable<(uint Port, string Hex)> outputs)
        => [.. outputs.OrderBy(o => o.Port).Select(o => $"{o.Port}:{o.Hex}")];

    private IEnumerable<JsonElement> Lines(string file)
    {
        string path = Path.Combine(_directory, file);
        if (!File.Exists(path)) yield break;
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0) continue;
            using var document = JsonDocument.Parse(line);
            yield return document.RootElement.Clone();
        }
    }
}
