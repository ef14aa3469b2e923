using System.Text.Json;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Every flow and group of the recorded cases parses, and what is printed for it parses back to the same.</summary>
public sealed class ConformanceTextTests
{
    public static TheoryData<string> Cases => [.. CaseFiles.Names];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Flows_and_groups_round_trip(string name)
    {
        ConformanceCase c = CaseFiles.Load(name);
        var ports = new PortNames(c.Json.GetProperty("ports").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetUInt32()));
        var warnings = new List<string>();
        var parser = new FlowTextParser(ports, warnings.Add);
        var formatter = new FlowTextFormatter(ports);

        IReadOnlyList<FlowMod> flows = parser.ParseFlows(File.ReadAllText(Path.Combine(c.Directory, "flows.txt")));
        Assert.NotEmpty(flows);
        foreach (FlowMod flow in flows) FlowTextAssert.RoundTrips(flow, parser, formatter);

        string groups = Path.Combine(c.Directory, "groups.txt");
        if (File.Exists(groups))
        {
            foreach (GroupMod group in parser.ParseGroups(File.ReadAllText(groups))) FlowTextAssert.RoundTrips(group, parser, formatter);
        }

        foreach (JsonElement e in Modifications(c))
        {
            if (e.GetProperty("op").GetString() == "meter_mods")
            {
                foreach (MeterMod meter in MeterLines(e).SelectMany(FlowTextParser.ParseMeters)) Assert.Equal(meter, Assert.Single(FlowTextParser.ParseMeters(FlowTextFormatter.Format(meter))));
            }
            else if (e.TryGetProperty("lines", out JsonElement lines))
            {
                foreach (JsonElement line in lines.EnumerateArray()) FlowTextAssert.RoundTrips(parser.ParseFlow(line.GetString()!), parser, formatter);
            }
            else
            {
                FlowTextAssert.RoundTrips(parser.ParseGroup(e.GetProperty("line").GetString()!), parser, formatter);
            }
        }

        Assert.Empty(warnings);
    }

    private static IEnumerable<string> MeterLines(JsonElement e)
        => e.TryGetProperty("lines", out JsonElement lines) ? lines.EnumerateArray().Select(static l => l.GetString()!) : [e.GetProperty("line").GetString()!];

    private static IEnumerable<JsonElement> Modifications(ConformanceCase c)
    {
        using var reader = new StreamReader(c.Open("events.jsonl.gz")!);
        while (reader.ReadLine() is { } line)
        {
            if (!line.Contains("_mods\"", StringComparison.Ordinal)) continue;
            using JsonDocument document = JsonDocument.Parse(line);
            yield return document.RootElement.Clone();
        }
    }
}
