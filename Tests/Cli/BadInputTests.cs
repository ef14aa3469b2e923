using System.Text.Json;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Input that cannot be read: the exit code, one line that says where, and no output file.</summary>
public sealed class BadInputTests
{
    private const string GoodEvent = """{"i":0,"t":5,"op":"pkt","port":1,"hex":"020000000001020000000002080045"}""";

    [Theory]
    [InlineData("not json", "not JSON")]
    [InlineData("""{"i":1,"t":6,"op":"pkt","port":1,"hex":"02""", "not JSON")]
    [InlineData("""{"i":1,"t":6,"op":"tick"} x""", "not JSON")]
    [InlineData("""[1]""", "expected a JSON object")]
    [InlineData("""{"i":1,"t":6,"op":"dance"}""", "unknown op \"dance\"")]
    [InlineData("""{"t":6,"op":"tick"}""", "member \"i\" is missing")]
    [InlineData("""{"i":1,"op":"tick"}""", "member \"t\" is missing")]
    [InlineData("""{"i":1,"t":6,"op":"pkt","hex":"02"}""", "member \"port\" is missing")]
    [InlineData("""{"i":1,"t":6,"op":"pkt","port":1}""", "member \"hex\" is missing")]
    [InlineData("""{"i":1,"t":6,"op":"flow_mods"}""", "member \"lines\" is missing")]
    [InlineData("""{"i":1,"t":6,"op":"group_mods"}""", "member \"line\" is missing")]
    [InlineData("""{"i":1,"t":"6","op":"tick"}""", "\"t\": expected an integer, found a string")]
    [InlineData("""{"i":1,"t":6.5,"op":"tick"}""", "\"t\": expected an integer")]
    [InlineData("""{"i":1,"t":-6,"op":"tick"}""", "\"t\": -6 is out of range")]
    [InlineData("""{"i":1,"t":4,"op":"tick"}""", "\"t\" goes backwards, from 5 to 4")]
    [InlineData("""{"i":1,"t":6,"op":"pkt","port":9,"hex":"02"}""", "port 9 does not exist")]
    [InlineData("""{"i":1,"t":6,"op":"pkt","port":1,"hex":"020"}""", "odd number of digits")]
    [InlineData("""{"i":1,"t":6,"op":"pkt","port":1,"hex":"02zz"}""", "digit 3 is not hexadecimal")]
    [InlineData("""{"i":1,"t":6,"op":"pkt","port":1,"hex":7}""", "\"hex\": expected a string, found a number")]
    [InlineData("""{"i":1,"t":6,"op":"flow_mods","lines":["delete",1]}""", "\"lines\": expected an array of strings")]
    [InlineData("""{"i":1,"t":6,"op":"flow_mods","lines":["delete","nonsense=1 actions=drop"]}""", "lines[1], column")]
    [InlineData("""{"i":1,"t":6,"op":"group_mods","line":"nonsense"}""", "events.jsonl line 2, column")]
    [InlineData("""{"i":1,"t":6,"op":"ct_flush","zone":70000}""", "\"zone\": 70000 is out of range")]
    public void Events_that_cannot_be_parsed(string line, string expected)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n");
        string events = folder.Write("events.jsonl", $"{GoodEvent}\n{line}\n");
        CliRun run = CliRun.Of("replay", "--flows", flows, "--ports", "p1=1", "--in", events, "--out", folder["out.jsonl"]);
        AssertBadInput(run, ExitCode.BadInput, 2, expected);
        Assert.Equal(["events.jsonl", "flows.txt"], folder.Names.Order());
    }

    [Fact]
    public void Flows_that_cannot_be_parsed_name_their_line()
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "# comment\n\ntable=0,ip actions=drop\ntable=0,ip,nw_src=1.2.3 actions=drop\n");
        string events = folder.Write("events.jsonl", GoodEvent);
        CliRun run = CliRun.Of("replay", "--flows", flows, "--ports", "p1=1", "--in", events, "--out", folder["out.jsonl"]);
        AssertBadInput(run, ExitCode.BadInput, 4, "flows.txt line 4, column");
        Assert.Equal(["events.jsonl", "flows.txt"], folder.Names.Order());
    }

    [Fact]
    public void A_match_without_its_prerequisite_is_taken_as_Open_vSwitch_takes_it_and_said()
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\nip,tp_dst=80 actions=drop\n");
        string events = folder.Write("events.jsonl", """{"i":0,"t":5,"op":"flow_mods","lines":["tcp_dst=80 actions=drop"]}""");
        CliRun run = CliRun.Of("replay", "--flows", flows, "--ports", "p1=1", "--in", events, "--out", folder["out.jsonl"]);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        string[] lines = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("mergeflow: warning: flows.txt line 2: normalization changed ofp_match", lines[0], StringComparison.Ordinal);
        Assert.Contains("events.jsonl line 1, line 1: normalization", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Groups_that_cannot_be_parsed_name_their_line()
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n");
        string groups = folder.Write("groups.txt", "group_id=1,type=indirect,bucket=output:1\ngroup_id=2,type=round,bucket=output:1\n");
        string events = folder.Write("events.jsonl", GoodEvent);
        CliRun run = CliRun.Of("replay", "--flows", flows, "--groups", groups, "--ports", "p1=1", "--in", events, "--out", folder["out.jsonl"]);
        AssertBadInput(run, ExitCode.BadInput, 2, "groups.txt line 2, column");
    }

    [Theory]
    [InlineData("{", "case.json line")]
    [InlineData("{\"config\":{}}", "member \"ports\" is missing")]
    [InlineData("{\"ports\":{\"p1\":\"1\"}}", "expected a port number")]
    [InlineData("{\"ports\":{\"p1\":1},\"config\":{\"mtu\":\"9000\"}}", "\"mtu\": expected an integer")]
    [InlineData("{\"ports\":{\"p1\":1},\"config\":{\"tcp_seq_chk\":0}}", "\"tcp_seq_chk\": expected true or false")]
    public void Case_files_that_cannot_be_parsed(string text, string expected)
    {
        using TemporaryFolder folder = new();
        folder.Write("case.json", text);
        folder.Write("flows.txt", "actions=drop\n");
        folder.Write("events.jsonl", GoodEvent);
        CliRun run = CliRun.Of("replay", "--case", Path.GetDirectoryName(folder["case.json"])!, "--out", folder["out.jsonl"]);
        AssertBadInput(run, ExitCode.BadInput, null, expected);
    }

    [Fact]
    public void A_damaged_capture_is_refused()
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n");
        string capture = folder.Write("x.pcap", "this is no capture file at all");
        CliRun run = CliRun.Of("replay", "--flows", flows, "--ports", "p1=1", "--in", capture, "--out", folder["out.jsonl"]);
        AssertBadInput(run, ExitCode.BadInput, null, "x.pcap: offset 0");
        Assert.Equal(["flows.txt", "x.pcap"], folder.Names.Order());
    }

    [Theory]
    [InlineData("replay --case NOWHERE --out OUT")]
    [InlineData("replay --flows NOWHERE --ports p1=1 --in EVENTS --out OUT")]
    [InlineData("replay --flows FLOWS --ports p1=1 --in NOWHERE --out OUT")]
    [InlineData("replay --flows FLOWS --ports p1=1 --in EVENTS --out NOWHERE/out.jsonl")]
    [InlineData("extract --in NOWHERE")]
    public void Missing_files_are_failures(string line)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n"), events = folder.Write("events.jsonl", GoodEvent);
        string filled = line.Replace("NOWHERE", folder["nowhere"], StringComparison.Ordinal).Replace("FLOWS", flows, StringComparison.Ordinal)
            .Replace("EVENTS", events, StringComparison.Ordinal).Replace("OUT", folder["out.jsonl"], StringComparison.Ordinal);
        CliRun run = CliRun.Of(filled.Split(' '));
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("nowhere", run.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(["events.jsonl", "flows.txt"], folder.Names.Order());
    }

    [Fact]
    public void An_old_output_survives_a_failed_run()
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n"), output = folder.Write("out.jsonl", "old");
        string events = folder.Write("events.jsonl", GoodEvent + "\n{}\n");
        CliRun run = CliRun.Of("replay", "--flows", flows, "--ports", "p1=1", "--in", events, "--out", output);
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal("old", File.ReadAllText(output));
    }

    private static void AssertBadInput(CliRun run, int exitCode, int? line, string expected)
    {
        Assert.Equal(exitCode, run.ExitCode);
        using JsonDocument error = JsonDocument.Parse(run.ErrorLine);
        Assert.Contains(expected, error.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
        if (line is int number) Assert.Equal(number, error.RootElement.GetProperty("line").GetInt32());
    }
}
