using Xunit;

namespace Mergeflow.Tests;

/// <summary>A switch without devices, driven as Open vSwitch's own tests drive theirs: frames by hand, a clock by hand. In a process of its own, as it has one clock.</summary>
public sealed class DummyProcessTests : IDisposable
{
    private const string Ping = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public DummyProcessTests()
    {
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "other-config:hwaddr=aa:55:aa:55:00:00", "fail-mode=secure",
            "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", $"options:tx_pcap={_run.Folder["p1.pcap"]}",
            "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", $"options:tx_pcap={_run.Folder["p2.pcap"]}");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p2", StringComparison.Ordinal), "the ports are there");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void What_a_frame_does_is_there_when_the_order_that_brings_it_is_answered()
    {
        Assert.Equal("dummy@ovs-dummy: hit:0 missed:0\n  br0:\n    br0 65534/100: (dummy-internal)\n    p1 1/1: (dummy)\n    p2 2/2: (dummy)\n", _run.Ask("dpif/show"));
        Flows("in_port=1,ip,actions=2");
        for (int i = 1; i <= 5; i++)
        {
            Assert.Equal("", _run.Ask("netdev-dummy/receive", "p1", Ping));
            Assert.Contains($"packets:{i - 1}, bytes:{(i - 1) * 106}, used:{(i == 1 ? "never" : "")}", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
            Assert.Equal(i, _run.Frames("p2.pcap"));
        }

        Assert.Equal(0, _run.Frames("p1.pcap"));
        Assert.Equal("no such dummy netdev\n", _run.Refused("netdev-dummy/receive", "p3", Ping));
        Assert.Equal("bad rx queue id.\n", _run.Refused("netdev-dummy/receive", "p1", "--qid", "1", Ping));
        Assert.Contains("ipv9", _run.Refused("netdev-dummy/receive", "p1", "in_port(1),ipv9(src=1)"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_is_asked_for_by_its_name()
    {
        Flows("in_port=1,ip,actions=2", "in_port=2,ip,actions=1");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        _run.Ask("netdev-dummy/receive", "p2", Ping);
        string[] flows = _run.Ask("dpif/dump-flows", "-m", "br0").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, flows.Length);
        for (int i = 0; i < flows.Length; i++)
        {
            Assert.Matches("^ufid:[0-9a-f-]{36} skb_priority", flows[i]);
            Assert.DoesNotContain("dp:ovs", flows[i], StringComparison.Ordinal);
            Assert.Equal($"recirc_id(0),in_port({i + 1}),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no), packets:0, bytes:0, used:never, actions:{2 - i}\n", _run.Ask("dpctl/get-flow", flows[i][..flows[i].IndexOf(' ')]));
        }

        Assert.Contains("No such file or directory", _run.Refused("dpctl/get-flow", "ufid:00000000-0000-0000-0000-000000000001"), StringComparison.Ordinal);
        Assert.Contains("Invalid argument", _run.Refused("dpctl/get-flow", "ufid:7"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_is_as_old_as_it_is_also_for_who_asks_first()
    {
        _run.Ask("time/stop");
        _run.Ask("time/warp", "1000000", "1000000");
        string[] ages = [.. _run.Ofctl("dump-ports", "br0").Split('\n').Where(static l => l.Contains("duration=", StringComparison.Ordinal))];
        Assert.Equal(3, ages.Length);
        Assert.All(ages, static l => Assert.Matches("duration=[0-9]{4,}[.0-9]*s", l));
    }

    [Fact]
    public void A_port_takes_in_no_more_than_the_database_says()
    {
        Flows("in_port=1,ip,actions=2");
        _run.Ask("time/stop");

        // 1,024 bytes at once and 1,000 in a second; a frame has 106.
        _run.Server.VsctlWaiting("--", "set", "interface", "p1", "ingress_policing_rate=8", "ingress_policing_burst=8");
        for (int i = 0; i < 20; i++) _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(9, _run.Frames("p2.pcap"));
        _run.Ask("time/warp", "1000");
        for (int i = 0; i < 20; i++) _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(18, _run.Frames("p2.pcap"));
        Assert.Equal("{}", _run.Server.Vsctl("get", "interface", "p1", "status"));
        _run.Server.VsctlWaiting("--", "set", "interface", "p1", "ingress_policing_rate=0");
        for (int i = 0; i < 20; i++) _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(38, _run.Frames("p2.pcap"));
        _run.Ask("time/warp", "6000");
        Eventually.True(() => _run.Server.Vsctl("get", "interface", "p1", "statistics").Contains("ovs_rx_qos_drops=22,", StringComparison.Ordinal), "the database says how many were too many");
    }

    [Fact]
    public void Time_that_stands_still_ages_nothing_and_a_leap_ages_all()
    {
        Flows("in_port=1,idle_timeout=10,actions=2", "in_port=2,hard_timeout=20,actions=1");
        _run.Ask("time/stop");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal("warped\n", _run.Ask("time/warp", "9000", "1000"));
        Assert.Equal(2, FlowCount());
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        _run.Ask("time/warp", "9000");
        Assert.Equal(2, FlowCount());
        Assert.Contains("used:9.000s", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        _run.Ask("time/warp", "3000", "100");
        Assert.Equal(0, FlowCount());
        Assert.Equal("", _run.Ask("dpctl/dump-flows"));
        Assert.Equal("invalid MSECS\n", _run.Refused("time/warp", "0"));
    }

    [Fact]
    public void A_port_goes_down_and_up_by_order()
    {
        Assert.Equal("OK\n", _run.Ask("netdev-dummy/set-admin-state", "p2", "down"));
        Eventually.True(() => _run.Server.Vsctl("get", "interface", "p2", "link_state") == "down", "the database says so");
        Flows("in_port=1,actions=2");
        Assert.Equal("OK\n", _run.Ask("netdev-dummy/set-admin-state", "up"));
        Eventually.True(() => _run.Server.Vsctl("get", "interface", "p2", "link_state") == "up", "the database says so");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(1, _run.Frames("p2.pcap"));
        Assert.Equal("p1: unknown\n", _run.Ask("netdev-dummy/conn-state", "p1"));
        Assert.Equal("Unknown Dummy Interface\n", _run.Refused("netdev-dummy/set-admin-state", "p3", "up"));
    }

    [Fact]
    public void Ports_are_connected_by_a_socket()
    {
        string socket = _run.Folder["wire"];
        _run.Server.Vsctl("set", "interface", "p1", $"options:pstream=punix:{socket}", "--", "set", "interface", "p2", $"options:stream=unix:{socket}");
        Eventually.True(() => _run.Ask("netdev-dummy/conn-state", "p2") == "p2: connected\n", "they find each other");
        Flows("in_port=LOCAL,actions=2", "in_port=1,actions=LOCAL");
        _run.Ask("netdev-dummy/receive", "br0", Ping);
        Eventually.True(() => _run.Server.Vsctl("get", "interface", "p1", "statistics:rx_packets") == "1", "what goes out of one comes in at the other");
    }

    [Fact]
    public void Addresses_that_are_set_stay_and_do_not_move()
    {
        _run.Server.Vsctl("set", "bridge", "br0", "other-config:mac-table-size=10", "other-config:mac-aging-time=15");
        Flows("actions=normal");
        _run.Ask("time/stop");
        Assert.Equal("", _run.Ask("fdb/add", "br0", "p2", "0", "50:54:00:00:00:09"));
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(" port  VLAN  MAC                Age\n    2     0  50:54:00:00:00:09  static\n", _run.Ask("fdb/show", "br0"));
        Assert.Equal("1\n", _run.Ask("coverage/read-counter", "mac_learning_static_none_move"));
        Assert.Equal("Overriding already existing static entry on 2\n", _run.Ask("fdb/add", "br0", "p1", "0", "50:54:00:00:00:09"));
        for (int i = 16; i < 36; i++) _run.Ask("netdev-dummy/receive", "p1", Ping.Replace("00:09", FormattableString.Invariant($"00:{i:x2}"), StringComparison.Ordinal));
        string full = _run.Ask("fdb/stats-show", "br0");
        Assert.Contains("table: 10/10\n", full, StringComparison.Ordinal);
        Assert.Contains("evicted MAC entries     : 11\n", full, StringComparison.Ordinal);
        _run.Ask("time/warp", "20000", "1000");
        Assert.Contains("table: 1/10\n", _run.Ask("fdb/stats-show", "br0"), StringComparison.Ordinal);
        Assert.Equal("", _run.Ask("fdb/del", "br0", "0", "50:54:00:00:00:09"));
        Assert.Equal("could not find static mac entry\n", _run.Refused("fdb/del", "br0", "0", "50:54:00:00:00:09"));
    }

    [Fact]
    public void Misses_are_told_in_the_log_while_somebody_asks_and_megaflows_may_be_of_one_packet()
    {
        Flows("actions=2");
        _run.Ask("vlog/set", "dpif_netdev:file:dbg");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.DoesNotContain("eth(", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Assert.Equal("megaflows disabled\n", _run.Ask("upcall/disable-megaflows"));
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Contains("eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a)", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        _run.Ask("vlog/set", "dpif_netdev:file:info");
        _run.Ask("revalidator/purge");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        string[] log = _run.Log.Split('\n');
        int[] misses = [.. Enumerable.Range(0, log.Length).Where(i => log[i].Contains("miss upcall", StringComparison.Ordinal))];
        Assert.Equal(2, misses.Length);
        Assert.StartsWith("skb_priority(0),skb_mark(0),ct_state(0),", log[misses[0] + 1], StringComparison.Ordinal);
        Assert.Equal(2, log.Count(static l => l.Contains("flow_add: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Why_packets_go_nowhere_is_counted_each_the_first_included()
    {
        Flows("in_port=1,actions=drop", "in_port=2,actions=resubmit(,0)");
        for (int i = 0; i < 3; i++) _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal("3\n", _run.Ask("coverage/read-counter", "drop_action_of_pipeline"));
        _run.Ask("revalidator/purge");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal("4\n", _run.Ask("coverage/read-counter", "drop_action_of_pipeline"));
        Assert.Equal("0\n", _run.Ask("coverage/read-counter", "drop_action_recursion_too_deep"));
        _run.Ask("netdev-dummy/receive", "p2", Ping);
        Assert.Equal("1\n", _run.Ask("coverage/read-counter", "drop_action_recursion_too_deep"));
        Assert.Equal("No such counter\n", _run.Refused("coverage/read-counter", "drop_action_of_nobody"));
    }

    [Fact]
    public void A_port_that_is_taken_out_of_the_datapath_comes_back_when_something_is_wanted_anew()
    {
        Assert.Equal("", _run.Ask("dpctl/del-if", "dummy@ovs-dummy", "p1"));
        Assert.DoesNotContain("p1", _run.Ask("dpif/show"), StringComparison.Ordinal);
        Assert.Equal("ovs-vswitchd: no port named p1\n", _run.Refused("dpctl/del-if", "dummy@ovs-dummy", "p1"));
        _run.Server.Vsctl("del-port", "p2");
        Eventually.True(() => _run.Ask("dpif/show").Contains("/1: (dummy)", StringComparison.Ordinal), "it is back");
    }

    [Fact]
    public void Tunnels_go_by_routes_and_neighbours_that_are_said()
    {
        _run.Server.Vsctl("add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy", "fail-mode=secure",
            "--", "add-port", "br1", "t1", "--", "set", "interface", "t1", "type=vxlan", "options:remote_ip=192.0.2.2", "options:key=7",
            "--", "add-port", "br1", "p3", "--", "set", "interface", "p3", "type=dummy");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p3", StringComparison.Ordinal), "the ports are there");
        _run.Ofctl("add-flow", "br1", "in_port=p3,actions=output:t1");
        Flows("in_port=LOCAL,actions=2");
        Assert.Equal("Error while inserting route.\n", _run.Refused("ovs/route/add", "192.0.2.0/24", "br0"));
        _run.Ask("netdev-dummy/ip4addr", "br0", "192.0.2.1/24");
        Assert.Equal("OK\n", _run.Ask("ovs/route/add", "192.0.2.9/24", "br0"));
        Assert.Equal("OK\n", _run.Ask("ovs/route/add", "198.51.100.0/24", "br0", "192.0.2.254", "pkt_mark=3"));
        Assert.Contains("User: 192.0.2.0/24 dev br0 SRC 192.0.2.1\n", _run.Ask("ovs/route/show"), StringComparison.Ordinal);
        Assert.Contains("User: 198.51.100.0/24 MARK 3 dev br0 GW 192.0.2.254 SRC 192.0.2.1\n", _run.Ask("ovs/route/show"), StringComparison.Ordinal);
        Assert.Equal("src 192.0.2.1\ngateway ::\ndev br0\n", _run.Ask("ovs/route/lookup", "192.0.2.77"));
        Assert.Equal("src 192.0.2.1\ngateway 192.0.2.254\ndev br0\n", _run.Ask("ovs/route/lookup", "198.51.100.1", "pkt_mark=3"));
        Assert.Equal("Not found\n", _run.Refused("ovs/route/lookup", "192.0.2.77", "pkt_mark=3"));
        _run.Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(1, _run.Frames("p2.pcap"));
        Assert.Contains("ffffffffffffaa55aa55000008060001080006040001aa55aa550000c0000201000000000000c0000202", _run.Hex("p2.pcap"), StringComparison.Ordinal);
        Assert.Equal("bad MAC address\n", _run.Refused("tnl/neigh/set", "br0", "192.0.2.2", "02:00"));
        _run.Ask("time/stop");
        Assert.Equal("OK\n", _run.Ask("tnl/neigh/set", "br0", "192.0.2.2", "02:00:00:00:00:22"));
        _run.Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(2, _run.Frames("p2.pcap"));
        Assert.Contains("192.0.2.2                                     02:00:00:00:00:22   br0\n", _run.Ask("tnl/neigh/show"), StringComparison.Ordinal);
        Assert.Equal("bad aging value\n", _run.Refused("tnl/neigh/aging", "3601"));
        Assert.Equal("OK\n", _run.Ask("tnl/neigh/aging", "5"));
        _run.Ask("time/warp", "5000");
        Assert.DoesNotContain("192.0.2.2 ", _run.Ask("tnl/neigh/show"), StringComparison.Ordinal);
        _run.Ask("tnl/neigh/set", "br0", "192.0.2.2", "02:00:00:00:00:22");
        Assert.Equal("OK\n", _run.Ask("ovs/route/del", "192.0.2.0/24"));
        Assert.Equal("Not found\n", _run.Refused("ovs/route/del", "192.0.2.0/24"));
        int before = _run.Frames("p2.pcap");
        _run.Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(before, _run.Frames("p2.pcap"));
    }

    private void Flows(params string[] flows)
    {
        foreach (string flow in flows) _run.Ofctl("add-flow", "br0", flow);
    }

    private int FlowCount() => _run.Ofctl("dump-flows", "br0").Split('\n').Count(static l => l.Contains("actions=", StringComparison.Ordinal));
}
