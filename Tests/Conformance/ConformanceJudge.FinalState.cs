using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>Rule counters and connections at the end.</summary>
internal static partial class ConformanceJudge
{
    /// <summary>Seconds by which a connection's remaining lifetime may differ.</summary>
    private const long TimeoutToleranceSeconds = 1;

    private static readonly string[] s_ignoredMembers = ["id", "status", "wscale_orig", "wscale_reply", "flags_orig", "flags_reply"];

    /// <summary>Differences from the recorded final state, or from the newer switch's if those are fewer.</summary>
    public static List<string> FinalState(ConformanceCase @case, JsonElement got, JsonElement? connectionsOf)
    {
        JsonElement expected = @case.ReadJson("final.json.gz")!.Value;
        List<string> faults = FinalDifferences(expected, connectionsOf ?? expected, got);
        if (faults.Count == 0 || @case.ReadJson("alt_final.json.gz") is not JsonElement alternative) return faults;
        List<string> newer = FinalDifferences(alternative, connectionsOf ?? alternative, got);
        return newer.Count < faults.Count ? newer : faults;
    }

    private static List<string> FinalDifferences(JsonElement expected, JsonElement connections, JsonElement got)
    {
        List<string> faults = [];
        JsonElement rules = got.GetProperty("rules");
        foreach (JsonProperty rule in expected.GetProperty("rules").EnumerateObject())
        {
            long want = rule.Value.GetProperty("n_packets").GetInt64();
            long have = rules.TryGetProperty(rule.Name, out JsonElement r) ? r.GetProperty("n_packets").GetInt64() : 0;
            if (want != have) faults.Add($"rule cookie {rule.Name} table {rule.Value.GetProperty("table")}: expected n_packets {want}, got {have}");
        }
        if (expected.TryGetProperty("meters", out JsonElement meters)) MeterDifferences(meters, got, faults);
        List<(string Key, long? Timeout)> a = Connections(connections), b = Connections(got);
        Dictionary<string, int> missing = Count(a), extra = Count(b);
        foreach (string key in missing.Keys.Intersect(extra.Keys).ToList())
        {
            int common = Math.Min(missing[key], extra[key]);
            missing[key] -= common;
            extra[key] -= common;
        }
        faults.AddRange(missing.Where(k => k.Value > 0).Select(k => $"conntrack missing: {k.Key}"));
        faults.AddRange(extra.Where(k => k.Value > 0).Select(k => $"conntrack extra: {k.Key}"));
        Dictionary<string, long?> timeouts = [];
        foreach ((string key, long? timeout) in b) timeouts[key] = timeout;
        foreach ((string key, long? timeout) in a)
        {
            if (timeouts.TryGetValue(key, out long? have) && have is long h && timeout is long w && Math.Abs(h - w) > TimeoutToleranceSeconds)
                faults.Add($"conntrack timeout: expected {w} got {h}: {key}");
        }
        return faults;
    }

    private static void MeterDifferences(JsonElement expected, JsonElement got, List<string> faults)
    {
        JsonElement meters = got.TryGetProperty("meters", out JsonElement m) ? m : default;
        foreach (JsonProperty meter in expected.EnumerateObject())
        {
            string want = Totals(meter.Value);
            string have = meters.ValueKind == JsonValueKind.Object && meters.TryGetProperty(meter.Name, out JsonElement h) ? Totals(h) : "no such meter";
            if (want != have) faults.Add($"meter {meter.Name}: expected {want}, got {have}");
        }

        static string Totals(JsonElement meter) => $"{Pair(meter)} dropped {string.Join(", ", meter.GetProperty("bands").EnumerateArray().Select(Pair))}";

        static string Pair(JsonElement e) => $"{e.GetProperty("n_packets")} packets of {e.GetProperty("n_bytes")} bytes";
    }

    private static Dictionary<string, int> Count(List<(string Key, long? Timeout)> connections) =>
        connections.GroupBy(c => c.Key).ToDictionary(g => g.Key, g => g.Count());

    private static List<(string Key, long? Timeout)> Connections(JsonElement final)
    {
        List<(string, long?)> result = [];
        foreach (JsonElement connection in final.GetProperty("conntrack").EnumerateArray())
        {
            SortedDictionary<string, string> parts = new(StringComparer.Ordinal);
            long? timeout = null;
            foreach (JsonProperty member in connection.EnumerateObject())
            {
                if (member.Name == "timeout") timeout = (long)Number(member.Value);
                else if (member.Name is "mark" or "labels" or "zone")
                {
                    if (Number(member.Value) is { IsZero: false } number) parts[member.Name] = number.ToString(CultureInfo.InvariantCulture);
                }
                else if (member.Name is "orig" or "reply" or "parent") parts[member.Name] = Tuple(member.Value);
                else if (!s_ignoredMembers.Contains(member.Name)) parts[member.Name] = member.Value.ToString();
            }
            result.Add((string.Join(" ", parts.Select(p => $"{p.Key}={p.Value}")), timeout));
        }
        return result;
    }

    private static string Tuple(JsonElement tuple) => "(" + string.Join(",",
        tuple.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal).Select(m => $"{m.Name}={m.Value}")) + ")";

    private static BigInteger Number(JsonElement value)
    {
        string text = value.ToString();
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? BigInteger.Parse("0" + text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : BigInteger.Parse(text, CultureInfo.InvariantCulture);
    }
}
