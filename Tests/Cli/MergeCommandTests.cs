using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary><c>mergeflow merge</c> on dumps in the form of a running gateway's, and <c>mergeflow offload audit</c>.</summary>
public sealed class MergeCommandTests
{
    private static readonly string s_dumps = Path.Combine(CaseFiles.DataFolder, "dumps");
    private static readonly string s_flows = Path.Combine(s_dumps, "gateway-flows.txt");
    private static readonly string s_connections = Path.Combine(s_dumps, "gateway-conntrack.txt");

    [Fact]
    public void A_tracked_and_translated_chain_is_one_rule()
    {
        CliRun run = Merge("in_port=vm1,tcp,nw_src=192.0.2.10,nw_dst=198.51.100.24,tp_src=2391,tp_dst=80");
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Equal(3, run.Output.Split('\n').Count(l => l.StartsWith("pass ", StringComparison.Ordinal)));
        string merged = run.Output.Split('\n').Single(l => l.StartsWith("merged: ", StringComparison.Ordinal));
        Assert.Contains("ipv4(src=192.0.2.10,dst=198.51.100.24,proto=6,tos=0/0x3,ttl=64,frag=no),tcp(src=2391,dst=80),tcp_flags(-fin-syn-rst+ack)", merged, StringComparison.Ordinal);
        Assert.EndsWith("actions:set(eth(src=02:00:00:00:02:01,dst=02:00:00:00:02:fe)),set(ipv4(src=203.0.113.7,ttl=63)),ens1f0", merged.TrimEnd(), StringComparison.Ordinal);
        Assert.Contains("testpmd: flow create 1 ingress pattern eth ", run.Output, StringComparison.Ordinal);
        Assert.Contains("set_ipv4_src ipv4_addr 203.0.113.7", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("in_port=vm1,tcp,nw_src=192.0.2.10,nw_dst=198.51.100.24,tp_src=2400,tp_dst=80", "not merged: CtNotEstablished(ct_state) in pass 0")]
    [InlineData("in_port=vm1,tcp,nw_src=192.0.2.10,nw_dst=198.51.100.24,tp_src=9,tp_dst=80", "not merged: CtNotEstablished(ct_state) in pass 0")]
    [InlineData("in_port=genev_sys_6081,tcp,nw_src=192.0.2.17,nw_dst=198.51.100.24,tp_src=1,tp_dst=2", "not merged: UnsupportedMatch(tunnel) in pass 0")]
    [InlineData("in_port=ens1f0,tcp,nw_src=198.51.100.24,nw_dst=203.0.113.8,tp_src=80,tp_dst=2400", "not merged: UnsupportedAction(set(tunnel)) in pass 0")]
    [InlineData("in_port=ens1f0,udp", "not merged: Upcall(no flow of the dump fits the packet at recirc_id 0x0) in pass 0")]
    public void What_cannot_be_merged_is_named(string packet, string line)
    {
        CliRun run = Merge(packet);
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains(line, run.Output.Split('\n').Select(l => l.TrimEnd()));
    }

    [Theory]
    [InlineData("recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=6,frag=no), packets:1", ":1:74: expected `actions:'")]
    [InlineData("\nrecirc_id(0),in_port(1),bogus(5), packets:1, bytes:1, used:1s, actions:2", ":2:25: `bogus(': unknown attribute of a datapath flow")]
    [InlineData("recirc_id(0),in_port(1),ipv4(src=10.0.0.999), actions:2", ":1:34: 10.0.0.999: invalid IP address")]
    [InlineData("recirc_id(0),in_port(1),eth_type(0x0800), actions:frobnicate(1)", ":1:51: `frobnicate(': unknown datapath action")]
    [InlineData("recirc_id(0),in_port(1),eth(src=02:00:00:00:00:01, actions:2", "missing `)'")]
    public void A_bad_dump_is_one_line_with_its_place(string dump, string message)
    {
        using TemporaryFolder folder = new();
        CliRun run = CliRun.Of("merge", "--flows", folder.Write("flows.txt", dump), "--packet", "tcp");
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1,dport=2", ":1:10: missing `)'")]
    [InlineData("tcp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=1,dport=2)", ":1:1: expected `reply=('")]
    public void A_bad_connection_is_one_line_with_its_place(string dump, string message)
    {
        using TemporaryFolder folder = new();
        CliRun run = CliRun.Of("merge", "--flows", s_flows, "--conntrack", folder.Write("conntrack.txt", dump), "--packet", "tcp");
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ovn_like", "soft")]
    [InlineData("nat_snat", "nic")]
    [InlineData("flow_mods", "nic")]
    public void An_audit_of_a_replay_finds_no_drift(string name, string offload)
    {
        CliRun run = CliRun.Of("offload", "audit", "--case", CaseFiles.Load(name).Directory, "--offload", offload, "--every", "50");
        Assert.True(run.ExitCode == ExitCode.Ok, run.Output + run.Error);
        Assert.Contains(", 0 with drift; ", run.Output, StringComparison.Ordinal);
    }

    private static CliRun Merge(string packet) => CliRun.Of("merge", "--flows", s_flows, "--conntrack", s_connections, "--packet", packet);
}
