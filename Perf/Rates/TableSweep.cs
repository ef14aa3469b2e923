using System.Reflection;
using System.Text.Json.Nodes;
using Mergeflow.Nic;

namespace Mergeflow.Perf;

/// <summary>Makes rows that differ in the size of the offload table only.</summary>
public static class TableSweep
{
    /// <summary>One row per capacity.</summary>
    /// <param name="name">Scenario.</param>
    /// <param name="settings">Mode soft or nic.</param>
    /// <param name="capacities">Rules that fit.</param>
    /// <param name="folder">Where NIC profiles go.</param>
    public static IReadOnlyList<ScenarioSpec> Make(string name, BenchSettings settings, IReadOnlyList<int> capacities, string folder)
    {
        ScenarioSpec basis = ScenarioSpec.Named(name, settings);
        return [.. capacities.Select(c => basis with { Name = $"{basis.Name}@{c}", Settings = WithCapacity(basis.Settings, c, folder) })];
    }

    /// <summary>Share of packets that the most frequent flows make, percent: a flow is a frame's bytes.</summary>
    public static double Optimum(IReadOnlyList<byte[]> frames, int capacity)
    {
        var counts = new Dictionary<string, int>();
        foreach (byte[] f in frames)
        {
            string key = Convert.ToBase64String(f);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        return 100.0 * counts.Values.OrderDescending().Take(capacity).Sum(c => (long)c) / frames.Count;
    }

    private static BenchSettings WithCapacity(BenchSettings settings, int capacity, string folder)
    {
        if (settings.Offload == OffloadMode.Soft) return settings with { MergedCapacity = capacity };
        string name = settings.NicProfile ?? "ideal";
        JsonNode profile = JsonNode.Parse(ProfileText(name)) ?? throw PerfException.BadInput($"{name}: null is no NIC profile");
        profile["exactMatch"]!["entries"] = capacity;
        string path = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(name)}-{capacity}.json");
        File.WriteAllText(path, profile.ToJsonString());
        return settings with { NicProfile = path };
    }

    private static string ProfileText(string name)
    {
        if (File.Exists(name)) return File.ReadAllText(name);
        Assembly nic = typeof(NicProfile).Assembly;
        string resource = nic.GetManifestResourceNames().First(r => r.EndsWith($"{name}.json", StringComparison.Ordinal));
        using var reader = new StreamReader(nic.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}
