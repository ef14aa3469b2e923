using Xunit;

namespace Mergeflow.Tests;

/// <summary>Answers of the control socket that Open vSwitch gives, found by asking both the same (Tests/Live/ovstalk.py).</summary>
public sealed class ControlAnswerTests : IDisposable
{
    private readonly VswitchdRun _run = new("--enable-dummy=override", "--disable-system");

    public ControlAnswerTests()
    {
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "other-config:hwaddr=aa:55:aa:55:00:00", "--", "add-port", "br0", "p1", "--", "add-port", "br0", "g1", "--", "set", "interface", "g1", "type=geneve");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p1", StringComparison.Ordinal), "the port is there");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Answers_are_those_of_Open_vSwitch()
    {
        // In the place of all types but patch there are ports without devices.
        Assert.Contains("(geneve)\n", _run.Ask("dpif/show"), StringComparison.Ordinal);
        foreach ((string words, string answer) in ((string, string)[])
        [
            ("fdb/stats-clear", "statistics successfully cleared\n"), ("fdb/stats-clear br0", "statistics successfully cleared\n"), ("lacp/show-stats", ""), ("bridge/reconnect", ""), ("bridge/reconnect br0", ""),
            ("qos/show p1", "QoS not configured on p1\n"), ("qos/show-types p1", "No QoS types supported for interface: p1\n"), ("vlog/set", ""), ("vlog/set PATTERN:file:x", ""), ("vlog/set FACILITY:daemon", ""), ("vlog/disable-rate-limit bridge", ""),
            ("upcall/enable-ufid", "Datapath dumping tersely using UFID enabled for supported datapaths\n"), ("dpif/set-dp-features br0 ct_zone", "ct_zone (CT zone) : [run time]:true, [boot time]:true\n"),
            ("dpif-netdev/miniflow-parser-set scalar", "Miniflow extract implementation set to scalar.\n"), ("odp-execute/action-impl-set scalar", "Action implementation set to scalar.\n"),
        ]) Assert.Equal(answer, _run.Ask(words.Split(' ')));
        foreach ((string words, string refusal) in ((string, string)[])
        [
            ("fdb/stats-clear nosuch", "no such bridge\n"), ("lacp/show-stats nosuch", "no such lacp object\n"), ("bridge/reconnect nosuch", "Unknown bridge\n"), ("qos/show nosuch", "no such interface\n"), ("qos/show-types nosuch", "no such interface\n"),
            ("vlog/set PATTERN:nosuch:x", "unknown destination \"nosuch\"\n"), ("vlog/set FACILITY:nosuch", "invalid facility\n"), ("vlog/disable-rate-limit nosuch", "unknown module\n"),
            ("dpif-netdev/miniflow-parser-set x", "Error: unknown miniflow extract implementation x.\n"), ("odp-execute/action-impl-set x", "Error: unknown action implementation, x, specified!\n"), ("bfd/set-forwarding x", "unknown fault string\n"), ("bfd/set-forwarding nosuch true", "no such BFD object\n"),
            ("dpctl/ipf-set-min-frag v4 5", "ovs-vswitchd: requested minimum fragment size too small; see documentation (Operation not permitted)\n"), ("dpctl/ipf-set-max-nfrags 99999999", "ovs-vswitchd: setting maximum fragments failed (Operation not permitted)\n"),
            ("dpctl/flush-conntrack ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=6,ct_tp_src=1,ct_tp_dst=2", "ovs-vswitchd: failed to flush conntrack (No such file or directory)\n"),
        ]) Assert.Equal(refusal, _run.Refused(words.Split(' ')));
    }

    /// <summary>A word that names no datapath is not passed over.</summary>
    [Fact]
    public void A_datapath_that_is_not_there_is_said_not_to_be_there()
    {
        foreach (string name in (string[])["nosuch", "dummy@nosuch"])
        {
            Assert.Equal($"ovs-vswitchd: opening datapath {name} failed (No such device)\n", _run.Refused("dpctl/show", name));
            foreach (string command in (string[])["dpctl/dump-flows", "dpctl/dump-conntrack", "dpctl/ct-stats-show"]) Assert.Equal("ovs-vswitchd: datapath not found (Invalid argument)\n", _run.Refused(command, name));
            Assert.Equal("please specify an existing datapath\n", _run.Refused("dpif-netdev/pmd-rxq-rebalance", name));
        }

        Assert.Equal("ovs-vswitchd: datapath not found (Invalid argument)\n", _run.Refused("dpctl/dump-conntrack", "zone=x"));
        Assert.Equal("", _run.Ask("dpctl/dump-conntrack", "dummy@ovs-dummy", "zone=5"));
        Assert.Equal("", _run.Ask("dpctl/dump-flows", "-m", "dummy@ovs-dummy", "type=ovs,all"));
        Assert.Equal("ovs-vswitchd: Failed to parse type (x) (Invalid argument)\n", _run.Refused("dpctl/dump-flows", "type=x"));
        Assert.Equal("ovs-vswitchd: Failed to parse filter (x: unknown field x)\n", _run.Refused("dpctl/dump-flows", "filter=x"));
        Assert.Contains("  port 0: ovs-dummy (dummy-internal)\n    RX packets:0 ", _run.Ask("dpctl/show", "-s"), StringComparison.Ordinal);
    }

    [Fact]
    public void Flows_of_a_bridge_have_a_comma_before_their_actions()
    {
        Assert.Matches("^duration=[0-9]+s, n_packets=0, n_bytes=0, priority=0,actions=NORMAL\n$", _run.Ask("bridge/dump-flows", "br0"));
        Assert.Matches("n_bytes=0, n_offload_packets=0, n_offload_bytes=0, priority=0,actions=NORMAL\n$", _run.Ask("bridge/dump-flows", "--offload-stats", "br0"));
    }

    /// <summary>Actions of a packet are held to it if that is asked for, and else told as they are.</summary>
    [Fact]
    public void A_packet_out_is_traced_as_its_packet_allows()
    {
        Assert.Contains("IPv4 decrement TTL exception", _run.Ask("ofproto/trace-packet-out", "-consistent", "br0", "in_port=1,ip", "dec_ttl,output:2"), StringComparison.Ordinal);
        Assert.Equal("Bad actions: OFPBAC_MATCH_INCONSISTENT\n", _run.Refused("ofproto/trace-packet-out", "-consistent", "br0", "in_port=1", "dec_ttl,output:2"));
        Assert.Equal("write_actions instruction not allowed here\n", _run.Refused("ofproto/trace-packet-out", "br0", "in_port=nosuch", "write_actions(output:1)"));
        Assert.Contains("mod_nw_src:1.2.3.4\n", _run.Ask("ofproto/trace-packet-out", "br0", "in_port=1", "mod_nw_src:1.2.3.4,output:2"), StringComparison.Ordinal);
    }
}
