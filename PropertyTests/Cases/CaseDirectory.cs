using System.Text.Json;

namespace Mergeflow.PropertyTests;

/// <summary>Reads and writes cases as directories that <c>mergeflow replay --case</c> runs.</summary>
internal static class CaseDirectory
{
    /// <summary>Writes case.json, flows.txt, groups.txt, events.jsonl and, from the reference, expected.jsonl.</summary>
    public static void Write(FuzzCase @case, string directory)
    {
        Directory.CreateDirectory(directory);
        var json = new
        {
            name = @case.Name,
            tier = "core",
            check = "exact",
            ports = @case.Ports.ToDictionary(p => $"p{p}", p => p),
            config = new { vlan_limit = 2, mtu = 9000, tcp_seq_chk = @case.ChecksSequence, ipf_min_frag_v4 = @case.MinFragmentBytes.V4, ipf_min_frag_v6 = @case.MinFragmentBytes.V6, tunnels = @case.Tunnels.ToDictionary(t => $"p{t.Port}", t => t.Options) },
        };
        File.WriteAllText(Path.Combine(directory, "case.json"), JsonSerializer.Serialize(json) + "\n");
        File.WriteAllLines(Path.Combine(directory, "flows.txt"), @case.Flows);
        if (@case.Meters.Count > 0) File.WriteAllLines(Path.Combine(directory, "meters.txt"), @case.Meters);
        if (@case.Groups.Count > 0) File.WriteAllLines(Path.Combine(directory, "groups.txt"), @case.Groups);
        File.WriteAllLines(Path.Combine(directory, "events.jsonl"), @case.Events.Select((e, i) => JsonSerializer.Serialize(Line(e, i))));
        if (Answers(@case) is not { } reference) return;
        File.WriteAllLines(Path.Combine(directory, "expected.jsonl"), reference.Outputs.Select((o, i) => JsonSerializer.Serialize(new
        {
            i,
            @out = o.Select(x => new object[] { uint.Parse(x.Split(':')[0], System.Globalization.CultureInfo.InvariantCulture), x.Split(':')[1] }),
        })));
    }

    /// <summary>What the reference says; null if it does not know an action of the case.</summary>
    private static RunResult? Answers(FuzzCase @case)
    {
        try
        {
            return ReferenceRun.Play(@case);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    public static FuzzCase Read(string directory)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "case.json")));
        string groups = Path.Combine(directory, "groups.txt");
        JsonElement config = json.RootElement.GetProperty("config");
        return new FuzzCase(
            json.RootElement.GetProperty("name").GetString()!,
            [.. json.RootElement.GetProperty("ports").EnumerateObject().Select(p => p.Value.GetUInt32())],
            File.ReadAllLines(Path.Combine(directory, "flows.txt")),
            File.Exists(groups) ? File.ReadAllLines(groups) : [],
            [.. File.ReadLines(Path.Combine(directory, "events.jsonl")).Select(Event)])
        {
            Meters = File.Exists(Path.Combine(directory, "meters.txt")) ? File.ReadAllLines(Path.Combine(directory, "meters.txt")) : [],
            ChecksSequence = !config.TryGetProperty("tcp_seq_chk", out JsonElement check) || check.GetBoolean(),
            Tunnels = config.TryGetProperty("tunnels", out JsonElement tunnels)
                ? [.. tunnels.EnumerateObject().Select(t => (uint.Parse(t.Name[1..], System.Globalization.CultureInfo.InvariantCulture), t.Value.GetString()!))] : [],
            MinFragmentBytes = (Number(config, "ipf_min_frag_v4", 1200), Number(config, "ipf_min_frag_v6", 1280)),
        };
    }

    private static int Number(JsonElement config, string name, int otherwise) => config.TryGetProperty(name, out JsonElement e) ? e.GetInt32() : otherwise;

    private static Dictionary<string, object> Line(FuzzEvent e, int index)
    {
        var line = new Dictionary<string, object> { ["i"] = index, ["t"] = e.TimeMs };
        switch (e.Op)
        {
            case FuzzOp.Packet:
                line["op"] = "pkt";
                line["port"] = e.Port;
                line["hex"] = Convert.ToHexStringLower(e.Frame);
                break;
            case FuzzOp.FlowMods:
                line["op"] = "flow_mods";
                line["lines"] = e.Lines;
                break;
            case FuzzOp.GroupMod:
                line["op"] = "group_mods";
                line["line"] = e.Lines[0];
                break;
            case FuzzOp.MeterMods:
                line["op"] = "meter_mods";
                line["lines"] = e.Lines;
                break;
            case FuzzOp.FlushConntrack:
                line["op"] = "ct_flush";
                if (e.Zone is { } zone) line["zone"] = zone;
                break;
            case FuzzOp.PortDown:
            case FuzzOp.PortUp:
                line["op"] = e.Op == FuzzOp.PortUp ? "port_up" : "port_down";
                line["port"] = e.Port;
                break;
            default:
                line["op"] = "tick";
                break;
        }

        return line;
    }

    private static FuzzEvent Event(string text)
    {
        using var json = JsonDocument.Parse(text);
        JsonElement e = json.RootElement;
        long t = e.GetProperty("t").GetInt64();
        return e.GetProperty("op").GetString() switch
        {
            "pkt" => new(t, FuzzOp.Packet) { Port = e.GetProperty("port").GetUInt32(), Frame = Convert.FromHexString(e.GetProperty("hex").GetString()!) },
            "flow_mods" => new(t, FuzzOp.FlowMods) { Lines = [.. e.GetProperty("lines").EnumerateArray().Select(l => l.GetString()!)] },
            "group_mods" => new(t, FuzzOp.GroupMod) { Lines = [e.GetProperty("line").GetString()!] },
            "meter_mods" => new(t, FuzzOp.MeterMods) { Lines = [.. e.GetProperty("lines").EnumerateArray().Select(l => l.GetString()!)] },
            "ct_flush" => new(t, FuzzOp.FlushConntrack) { Zone = e.TryGetProperty("zone", out JsonElement z) ? z.GetInt32() : null },
            "port_down" => new(t, FuzzOp.PortDown) { Port = e.GetProperty("port").GetUInt32() },
            "port_up" => new(t, FuzzOp.PortUp) { Port = e.GetProperty("port").GetUInt32() },
            _ => new(t, FuzzOp.Tick),
        };
    }
}
