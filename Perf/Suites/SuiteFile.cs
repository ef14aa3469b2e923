using System.Text.Json;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>
/// Scenarios from a JSON file:
/// <c>{"scenarios":[{"name":"s4_udp_10k_uni","offload":"soft","cache":"on","seconds":1,"runs":5},{"name":"mine","pcap":"x.pcap","flows":"f.txt"}]}</c>.
/// Paths are relative to the file.
/// </summary>
public static class SuiteFile
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>Reads a suite; <paramref name="defaults"/> stand where the file is silent.</summary>
    /// <exception cref="PerfException">Unreadable, no scenario, or a value that makes no sense.</exception>
    public static IReadOnlyList<ScenarioSpec> Load(string path, BenchSettings defaults)
    {
        Content? content;
        try
        {
            content = JsonSerializer.Deserialize<Content>(InputFile.ReadText(path), s_options);
        }
        catch (JsonException e)
        {
            throw PerfException.Usage($"{path}: {Where(e)}line {(e.LineNumber ?? 0) + 1}: {ResultsJson.Reason(e)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PerfException.Usage($"--suite: {e.Message}");
        }

        if (content?.Scenarios is not { Count: > 0 } entries) throw PerfException.Usage($"{path}: no \"scenarios\"");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var specs = new List<ScenarioSpec>();
        for (int i = 0; i < entries.Count; i++)
        {
            try
            {
                specs.AddRange(Specs(entries[i], folder, defaults));
            }
            catch (PerfException e) when (e.ExitCode == PerfExitCode.Usage)
            {
                throw PerfException.Usage($"{path}: scenarios[{i}]: {e.Message}");
            }
        }

        return specs;
    }

    /// <summary>The element of the list that the parser was in, as people count in JSON.</summary>
    private static string Where(JsonException e) => e.Path is { Length: > 2 } path && path[2..].StartsWith("scenarios[", StringComparison.Ordinal) ? path[2..].Split('.')[0] + ": " : "";

    private static IEnumerable<ScenarioSpec> Specs(Entry e, string folder, BenchSettings defaults)
    {
        if (e.Seconds is <= 0 or > 3600) throw PerfException.Usage("\"seconds\": expected more than 0 and at most 3600");
        if (e.Runs is < 1 or > 1000) throw PerfException.Usage("\"runs\": expected 1 to 1000");
        if (e.Cache is not (null or "on" or "off")) throw PerfException.Usage("\"cache\": expected on or off");
        BenchSettings settings = defaults with
        {
            Seconds = e.Seconds ?? defaults.Seconds,
            Runs = e.Runs ?? defaults.Runs,
            CacheOn = e.Cache is null ? defaults.CacheOn : e.Cache == "on",
            NicProfile = e.NicProfile ?? defaults.NicProfile,
        };
        OffloadMode[] modes = [.. (e.Offload ?? "none").Split(',').Select(RunOptions.Mode)];
        if (e.Pcap is null)
        {
            if (e.Name is null) throw PerfException.Usage("\"name\" or \"pcap\" is missing");
            settings = settings with { FrameSizes = e.FrameSize is null ? defaults.FrameSizes : FrameSize.ParseList(e.FrameSize) };
            return [.. RunOptions.EachSize(settings).SelectMany(sized => modes.Select(m => ScenarioSpec.Named(e.Name, sized with { Offload = m })))];
        }

        var capture = new CaptureRun(Path.Combine(folder, e.Pcap))
        {
            FlowsPath = e.Flows is null ? null : Path.Combine(folder, e.Flows),
            GroupsPath = e.Groups is null ? null : Path.Combine(folder, e.Groups),
        };
        Workload workload = capture.Load();
        return [.. modes.Select(m => new ScenarioSpec(e.Name ?? workload.Name, () => workload, settings with { Offload = m }))];
    }

    private sealed record Content(IReadOnlyList<Entry>? Scenarios);

    private sealed record Entry(string? Name, string? Pcap, string? Flows, string? Groups, string? Offload, string? Cache, double? Seconds, int? Runs, string? NicProfile, string? FrameSize);
}
