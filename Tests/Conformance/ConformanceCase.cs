using System.IO.Compression;
using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>A recorded case directory with what Open vSwitch answered.</summary>
internal sealed class ConformanceCase
{
    private readonly Lazy<Dictionary<long, List<(uint Port, string Hex)>>> _expected;
    private readonly Lazy<Dictionary<long, List<(uint Port, string Hex)>>> _alternative;

    private ConformanceCase(string directory)
    {
        _expected = new(() => ReadOutputs("expected.jsonl.gz"));
        _alternative = new(() => ReadOutputs("alt.jsonl.gz"));
        Directory = directory;
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "case.json")));
        Json = document.RootElement.Clone();
        string compressed = Path.Combine(directory, "events.jsonl.gz");
        Events = File.Exists(compressed)
            ? LoadEvents(new GZipStream(File.OpenRead(compressed), CompressionMode.Decompress))
            : LoadEvents(File.OpenRead(Path.Combine(directory, "events.jsonl")));
    }

    public string Directory { get; }

    public string Name => Path.GetFileName(Directory);

    /// <summary>The whole <c>case.json</c>.</summary>
    public JsonElement Json { get; }

    /// <summary><c>exact</c>, <c>group_affinity</c> or <c>nat_range</c>.</summary>
    public string Check => Json.TryGetProperty("check", out JsonElement check) ? check.GetString()! : "exact";

    public IReadOnlyList<CaseEvent> Events { get; }

    /// <summary>Per event number, what left the recording switch.</summary>
    public IReadOnlyDictionary<long, List<(uint Port, string Hex)>> Expected => _expected.Value;

    /// <summary>The same for Open vSwitch 3.7.1, where it differs.</summary>
    public IReadOnlyDictionary<long, List<(uint Port, string Hex)>> Alternative => _alternative.Value;

    /// <summary>The answer was recorded with TCP sequence checks on.</summary>
    public bool ChecksTcpSequence =>
        !Json.GetProperty("config").TryGetProperty("tcp_seq_chk", out JsonElement check) || check.GetBoolean();

    public static ConformanceCase Load(string directory) => new(directory);

    /// <summary>Opens a file of the case; null when it is not there.</summary>
    public Stream? Open(string name)
    {
        string path = Path.Combine(Directory, name);
        return File.Exists(path) ? new GZipStream(File.OpenRead(path), CompressionMode.Decompress) : null;
    }

    /// <summary>Reads one JSON file of the case; null when it is not there.</summary>
    public JsonElement? ReadJson(string name)
    {
        using Stream? stream = Open(name);
        if (stream is null) return null;
        using JsonDocument document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    private Dictionary<long, List<(uint Port, string Hex)>> ReadOutputs(string name)
    {
        using Stream? stream = Open(name);
        return stream is null ? [] : ReplayedOutput.Parse(stream).Events;
    }

    private static List<CaseEvent> LoadEvents(Stream stream)
    {
        List<CaseEvent> events = [];
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is string line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement e = document.RootElement;
            List<(uint, string)>? expect = null;
            if (e.TryGetProperty("expect", out JsonElement x))
                expect = [.. x.EnumerateArray().Select(o => (o[0].GetUInt32(), o[1].GetString()!))];
            events.Add(new CaseEvent(
                e.GetProperty("i").GetInt64(),
                e.GetProperty("t").GetInt64(),
                e.TryGetProperty("op", out JsonElement op) ? op.GetString()! : "pkt",
                e.TryGetProperty("port", out JsonElement port) ? port.GetUInt32() : 0,
                e.TryGetProperty("hex", out JsonElement hex) ? hex.GetString()! : "",
                expect));
        }
        return events;
    }
}
