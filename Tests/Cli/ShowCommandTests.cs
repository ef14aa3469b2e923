using System.Globalization;
using System.Text.Json;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Commands that replay and then show a part of the switch.</summary>
public sealed class ShowCommandTests
{
    private static readonly string s_firewall = CaseFiles.Load("ct_firewall").Directory;

    [Fact]
    public void Dump_flows_shows_the_recorded_counters()
    {
        Dictionary<string, long> shown = Json("dump-flows", "--case", s_firewall, "--json")
            .ToDictionary(r => r.GetProperty("cookie").GetString()!, r => r.GetProperty("n_packets").GetInt64());
        JsonElement recorded = CaseFiles.Load("ct_firewall").ReadJson("final.json.gz")!.Value.GetProperty("rules");
        Assert.Equal(recorded.EnumerateObject().ToDictionary(r => r.Name, r => r.Value.GetProperty("n_packets").GetInt64()), shown);
    }

    [Fact]
    public void Dump_flows_prints_one_line_per_rule()
    {
        string[] lines = Lines("dump-flows", "--case", s_firewall);
        Assert.Contains(lines, l => l.StartsWith("cookie=0x2, duration=", StringComparison.Ordinal)
            && l.Contains("table=0, n_packets=925, ", StringComparison.Ordinal) && l.EndsWith("actions=ct(table=1,zone=31717)", StringComparison.Ordinal));
    }

    [Fact]
    public void Dump_conntrack_shows_the_recorded_connections()
    {
        int recorded = CaseFiles.Load("ct_firewall").ReadJson("final.json.gz")!.Value.GetProperty("conntrack").GetArrayLength();
        Assert.Equal(recorded, Json("dump-conntrack", "--case", s_firewall, "--json").Length);
        Assert.Contains(Lines("dump-conntrack", "--case", s_firewall, "-s"), l => l.StartsWith("tcp,orig=(src=", StringComparison.Ordinal)
            && l.Contains(",timeout=", StringComparison.Ordinal) && l.EndsWith("protoinfo=(state=ESTABLISHED)", StringComparison.Ordinal));
    }

    [Fact]
    public void Until_stops_after_an_event()
    {
        Assert.Empty(Lines("dump-conntrack", "--case", CaseFiles.Load("acl").Directory, "--until", "5"));
        string[] early = Lines("pmd-perf-show", "--case", s_firewall, "--until", "9", "--json");
        Assert.StartsWith("{\"rx_packets\":10,", Assert.Single(early), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, CliRun.Of("dump-flows", "--case", s_firewall, "--until", "99999").ExitCode);
    }

    [Fact]
    public void Dump_groups_prints_what_can_be_parsed_again()
    {
        string[] lines = Lines("dump-groups", "--case", CaseFiles.Load("groups").Directory);
        Assert.NotEmpty(lines);
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n"), events = folder.Write("events.jsonl", """{"i":0,"t":0,"op":"tick"}""");
        string groups = folder.Write("groups.txt", string.Join("\n", lines));
        string[] again = Lines("dump-groups", "--flows", flows, "--groups", groups, "--ports", "p1=1,p2=2,p3=3", "--in", events);
        Assert.Equal(lines, again);
    }

    [Fact]
    public void Dump_dp_flows_counts_every_pass()
    {
        JsonElement[] flows = Json("dump-dp-flows", "--case", s_firewall, "--json");
        long firstPass = flows.Where(f => f.GetProperty("flow").GetString()!.Contains("recirc_id(0)", StringComparison.Ordinal)).Sum(f => f.GetProperty("packets").GetInt64());
        Assert.Equal(925, firstPass);
        Assert.Equal(flows.Length, flows.Select(f => f.GetProperty("ufid").GetString()).Distinct().Count());
        Assert.Contains(Lines("dump-dp-flows", "--case", s_firewall, "--offload", "soft", "-m"), l => l.Contains(", offloaded:yes, dp:ovs, ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("soft")]
    [InlineData("nic")]
    public void Offload_stats_add_up(string offload)
    {
        JsonElement stats = Assert.Single(Json("offload", "stats", "--case", s_firewall, "--offload", offload, "--json"));
        Assert.Equal(925, stats.GetProperty("rx_packets").GetInt64());
        Assert.True(stats.GetProperty("offload_hits").GetInt64() > 0);
        Assert.True(stats.GetProperty("refused").GetProperty("IcmpWithCt").GetInt64() > 0);
        long rules = stats.GetProperty("rules").GetInt64();
        Assert.Equal(stats.GetProperty("n_offloaded").GetInt64(), rules + stats.GetProperty("removed").GetInt64());
        Assert.Equal(rules, Lines("offload", "show", "--case", s_firewall, "--offload", offload).Length);
    }

    [Fact]
    public void Offload_explain_names_the_rule_or_the_reason()
    {
        string[] live = Explain("in_port=1,tcp,nw_src=10.1.0.86,nw_dst=10.2.0.104,tp_src=41399,tp_dst=443");
        Assert.StartsWith("in a rule: in_port(1),", live[0], StringComparison.Ordinal);
        string[] refused = Explain("in_port=1,icmp,nw_src=10.1.0.30,nw_dst=10.2.0.104");
        Assert.All(refused, l => Assert.DoesNotContain("in a rule", l, StringComparison.Ordinal));
        CliRun unseen = CliRun.Of("offload", "explain", "--flow", "tcp,nw_src=192.0.2.1", "--case", s_firewall, "--offload", "soft");
        Assert.Equal((ExitCode.NotSeen, "not seen: no packet of the input matches\n"), (unseen.ExitCode, unseen.Output));
    }

    [Fact]
    public void Trace_shows_every_pass_of_a_packet()
    {
        string[] lines = Lines("trace", "--case", s_firewall, "--event", "100");
        Assert.StartsWith("Flow: tcp,in_port=3,", lines[0], StringComparison.Ordinal);
        Assert.Equal("bridge", lines[1]);
        string recirc = Assert.Single(lines, l => l.StartsWith("recirc(", StringComparison.Ordinal));
        Assert.Contains($"Datapath actions: ct(zone=31717),{recirc}", lines);
        Assert.Contains(" 1. ct_state=-new+est-rel+rpl-inv+trk,ip, priority 800, cookie 0xc", lines);
        Assert.Equal("Outputs: port 1, 54 bytes", Assert.Single(lines, static l => l.StartsWith("Outputs: ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("ovn_like", 300)]
    [InlineData("ovn_like", 1800)]
    [InlineData("groups", 30)]
    [InlineData("frags_ct", 100)]
    public void Trace_outputs_what_was_recorded(string caseName, long index)
    {
        List<(uint Port, string Hex)> recorded = CaseFiles.Load(caseName).Expected[index];
        string expected = recorded.Count == 0 ? "none" : string.Join("; ", recorded.Select(o => $"port {o.Port}, {o.Hex.Length / 2} bytes"));
        Assert.Contains($"Outputs: {expected}", Lines("trace", "--case", CaseFiles.Load(caseName).Directory, "--event", index.ToString(CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("99999", "there is no event 99999")]
    [InlineData("67", "event 67 is no packet")]
    public void Trace_needs_a_packet_event(string index, string message)
    {
        CliRun run = CliRun.Of("trace", "--case", CaseFiles.Load("flow_mods").Directory, "--event", index);
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains(message, run.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Offload_commands_need_an_offload()
    {
        CliRun run = CliRun.Of("offload", "show", "--case", s_firewall);
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Contains("--offload", run.ErrorLine, StringComparison.Ordinal);
    }

    private static string[] Explain(string flow) => Lines("offload", "explain", "--case", s_firewall, "--offload", "soft", "--flow", flow);

    private static JsonElement[] Json(params string[] arguments) => [.. Lines(arguments).Select(l => JsonDocument.Parse(l).RootElement)];

    private static string[] Lines(params string[] arguments)
    {
        CliRun run = CliRun.Of(arguments);
        Assert.Equal("", run.Error);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        return run.Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
