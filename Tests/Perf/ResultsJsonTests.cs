using System.Text.Json.Nodes;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class ResultsJsonTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        ScenarioResult full = SampleResults.Row("x.pcap", 50, 52, 51) with
        {
            NicProfile = "tiny",
            OneShot = true,
            DeviceCyclesPerPacket = 12.5,
            Frames = 3,
            OutputSha256 = new string('a', 64),
            Peer = new PeerResult("ovs 3.1.0", Spread.Of([1e6]), Spread.Of([600])),
        };
        string text = ResultsJson.Write(SampleResults.File(full, SampleResults.Row("s1_uni", 30)));
        ResultsFile read = ResultsJson.Read(text, "x");
        Assert.Equal(text, ResultsJson.Write(read));
        Assert.Equal(full.Peer, read.Scenarios[0].Peer);
        Assert.Equal(52, read.Scenarios[0].CyclesPerPacket.Max);
        Assert.Equal([50.0, 52, 51], read.Scenarios[0].Runs.Select(r => r.CyclesPerPacket));
        Assert.Null(read.Scenarios[1].Peer);
    }

    [Fact]
    public void Members_are_the_documented_ones()
    {
        string schema = RepositoryFiles.Read("docs/results-schema.md");
        JsonNode root = JsonNode.Parse(ResultsJson.Write(SampleResults.File(SampleResults.Row("s1_uni", 30))))!;
        IEnumerable<string> names = Names(root).Concat(Names(root["host"]!)).Concat(Names(root["runtime"]!)).Concat(Names(root["scenarios"]![0]!)).Concat(Names(root["scenarios"]![0]!["runs"]![0]!));
        Assert.All(names, n => Assert.Contains(n, schema));
    }

    [Fact]
    public void Members_of_the_future_are_ignored()
    {
        JsonNode root = JsonNode.Parse(ResultsJson.Write(SampleResults.File(SampleResults.Row("s1_uni", 30))))!;
        root["somethingNew"] = 1;
        root["scenarios"]![0]!["moon"] = "full";
        Assert.Single(ResultsJson.Read(root.ToJsonString(), "x").Scenarios);
    }

    [Theory]
    [InlineData("{", "line 1")]
    [InlineData("[]", "not a results file")]
    [InlineData("{\"schema\":\"other\",\"version\":1}", "not a results file")]
    [InlineData("{\"schema\":\"mergeflow-perf-results\",\"version\":2}", "version 2")]
    [InlineData("{\"schema\":\"mergeflow-perf-results\",\"version\":1}", "missing required")]
    public void What_cannot_be_read_is_refused_in_one_line(string text, string expected)
    {
        PerfException e = Assert.Throws<PerfException>(() => ResultsJson.Read(text, "old.json"));
        Assert.Equal(PerfExitCode.BadInput, e.ExitCode);
        Assert.Contains("old.json", e.Message);
        Assert.Contains(expected, e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Quantiles_interpolate()
    {
        Assert.Equal(2.5, Spread.Of([1, 4, 2, 3]).Median);
        Assert.Equal(2, Spread.Of([9, 1, 2]).Median);
        Assert.Equal(1.75, Spread.Quantile([1, 2, 3, 4], 0.25));
    }

    private static IEnumerable<string> Names(JsonNode node) => node.AsObject().Select(p => $"`{p.Key}").Select(n => n is "`schema" or "`version" or "`createdAt" or "`commit" or "`arguments" or "`host" or "`runtime" or "`scenarios" or "`notes" or "`warnings" ? n[1..] : n);
}
