using System.Diagnostics;
using System.Globalization;
using Mergeflow.Cli;
using Mergeflow.Control;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A switch without devices, driven as Open vSwitch's own tests drive theirs: frames by hand, a clock by hand. In a process of its own, as it has one clock.</summary>
public sealed class DummyProcessTests : IDisposable
{
    private const string Ping = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";

    private readonly OvsdbServer _server = new();
    private readonly TemporaryFolder _folder = new();
    private readonly Process _process;
    private readonly UnixctlClient _client;

    public DummyProcessTests()
    {
        ProcessStartInfo start = new("dotnet", [typeof(App).Assembly.Location, "vswitchd", _server.Remote, "--enable-dummy", "--disable-system", "-vconsole:off", $"--log-file={_folder["log"]}"]);
        start.Environment["OVS_RUNDIR"] = Path.GetDirectoryName(_folder["x"]);
        _process = Process.Start(start)!;
        string socket = _folder[$"ovs-vswitchd.{_process.Id}.ctl"];
        Eventually.True(() => File.Exists(socket), "it answers");
        _client = new UnixctlClient(socket);
        _server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "other-config:hwaddr=aa:55:aa:55:00:00", "fail-mode=secure",
            "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", $"options:tx_pcap={_folder["p1.pcap"]}",
            "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", $"options:tx_pcap={_folder["p2.pcap"]}");
        Eventually.True(() => Ask("dpif/show").Contains("p2", StringComparison.Ordinal), "the ports are there");
    }

    public void Dispose()
    {
        _client.Transact("exit", []);
        _client.Dispose();
        Assert.True(_process.WaitForExit(60_000), "it does not end");
        _process.Dispose();
        _folder.Dispose();
        _server.Dispose();
    }

    [Fact]
    public void What_a_frame_does_is_there_when_the_order_that_brings_it_is_answered()
    {
        Assert.Equal("dummy@ovs-dummy: hit:0 missed:0\n  br0:\n    br0 65534/100: (dummy-internal)\n    p1 1/1: (dummy)\n    p2 2/2: (dummy)\n", Ask("dpif/show"));
        Flows("in_port=1,ip,actions=2");
        for (int i = 1; i <= 5; i++)
        {
            Assert.Equal("", Ask("netdev-dummy/receive", "p1", Ping));
            Assert.Contains($"packets:{i - 1}, bytes:{(i - 1) * 106}, used:{(i == 1 ? "never" : "")}", Ask("dpctl/dump-flows"), StringComparison.Ordinal);
            Assert.Equal(i, Frames("p2.pcap"));
        }

        Assert.Equal(0, Frames("p1.pcap"));
        Assert.Equal("no such dummy netdev\n", Refused("netdev-dummy/receive", "p3", Ping));
        Assert.Equal("bad rx queue id.\n", Refused("netdev-dummy/receive", "p1", "--qid", "1", Ping));
        Assert.Contains("ipv9", Refused("netdev-dummy/receive", "p1", "in_port(1),ipv9(src=1)"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_is_asked_for_by_its_name()
    {
        Flows("in_port=1,ip,actions=2", "in_port=2,ip,actions=1");
        Ask("netdev-dummy/receive", "p1", Ping);
        Ask("netdev-dummy/receive", "p2", Ping);
        string[] flows = Ask("dpif/dump-flows", "-m", "br0").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, flows.Length);
        for (int i = 0; i < flows.Length; i++)
        {
            Assert.Matches("^ufid:[0-9a-f-]{36} skb_priority", flows[i]);
            Assert.DoesNotContain("dp:ovs", flows[i], StringComparison.Ordinal);
            Assert.Equal($"recirc_id(0),in_port({i + 1}),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no), packets:0, bytes:0, used:never, actions:{2 - i}\n", Ask("dpctl/get-flow", flows[i][..flows[i].IndexOf(' ')]));
        }

        Assert.Contains("No such file or directory", Refused("dpctl/get-flow", "ufid:00000000-0000-0000-0000-000000000001"), StringComparison.Ordinal);
        Assert.Contains("Invalid argument", Refused("dpctl/get-flow", "ufid:7"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_is_as_old_as_it_is_also_for_who_asks_first()
    {
        Ask("time/stop");
        Ask("time/warp", "1000000", "1000000");
        Assert.Equal(0, Ofctl("dump-ports", "--protocols=OpenFlow13", out string text));
        string[] ages = [.. text.Split('\n').Where(static l => l.Contains("duration=", StringComparison.Ordinal))];
        Assert.Equal(3, ages.Length);
        Assert.All(ages, static l => Assert.Matches("duration=[0-9]{4,}[.0-9]*s", l));
    }

    [Fact]
    public void Time_that_stands_still_ages_nothing_and_a_leap_ages_all()
    {
        Flows("in_port=1,idle_timeout=10,actions=2", "in_port=2,hard_timeout=20,actions=1");
        Ask("time/stop");
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal("warped\n", Ask("time/warp", "9000", "1000"));
        Assert.Equal(2, FlowCount());
        Ask("netdev-dummy/receive", "p1", Ping);
        Ask("time/warp", "9000");
        Assert.Equal(2, FlowCount());
        Assert.Contains("used:9.000s", Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Ask("time/warp", "3000", "100");
        Assert.Equal(0, FlowCount());
        Assert.Equal("", Ask("dpctl/dump-flows"));
        Assert.Equal("invalid MSECS\n", Refused("time/warp", "0"));
    }

    [Fact]
    public void A_port_goes_down_and_up_by_order()
    {
        Assert.Equal("OK\n", Ask("netdev-dummy/set-admin-state", "p2", "down"));
        Eventually.True(() => _server.Vsctl("get", "interface", "p2", "link_state") == "down", "the database says so");
        Flows("in_port=1,actions=2");
        Assert.Equal("OK\n", Ask("netdev-dummy/set-admin-state", "up"));
        Eventually.True(() => _server.Vsctl("get", "interface", "p2", "link_state") == "up", "the database says so");
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(1, Frames("p2.pcap"));
        Assert.Equal("p1: unknown\n", Ask("netdev-dummy/conn-state", "p1"));
        Assert.Equal("Unknown Dummy Interface\n", Refused("netdev-dummy/set-admin-state", "p3", "up"));
    }

    [Fact]
    public void Ports_are_connected_by_a_socket()
    {
        string socket = _folder["wire"];
        _server.Vsctl("set", "interface", "p1", $"options:pstream=punix:{socket}", "--", "set", "interface", "p2", $"options:stream=unix:{socket}");
        Eventually.True(() => Ask("netdev-dummy/conn-state", "p2") == "p2: connected\n", "they find each other");
        Flows("in_port=LOCAL,actions=2", "in_port=1,actions=LOCAL");
        Ask("netdev-dummy/receive", "br0", Ping);
        Eventually.True(() => _server.Vsctl("get", "interface", "p1", "statistics:rx_packets") == "1", "what goes out of one comes in at the other");
    }

    [Fact]
    public void Addresses_that_are_set_stay_and_do_not_move()
    {
        _server.Vsctl("set", "bridge", "br0", "other-config:mac-table-size=10", "other-config:mac-aging-time=15");
        Flows("actions=normal");
        Ask("time/stop");
        Assert.Equal("", Ask("fdb/add", "br0", "p2", "0", "50:54:00:00:00:09"));
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(" port  VLAN  MAC                Age\n    2     0  50:54:00:00:00:09  static\n", Ask("fdb/show", "br0"));
        Assert.Equal("1\n", Ask("coverage/read-counter", "mac_learning_static_none_move"));
        Assert.Equal("Overriding already existing static entry on 2\n", Ask("fdb/add", "br0", "p1", "0", "50:54:00:00:00:09"));
        for (int i = 16; i < 36; i++) Ask("netdev-dummy/receive", "p1", Ping.Replace("00:09", FormattableString.Invariant($"00:{i:x2}"), StringComparison.Ordinal));
        string full = Ask("fdb/stats-show", "br0");
        Assert.Contains("table: 10/10\n", full, StringComparison.Ordinal);
        Assert.Contains("evicted MAC entries     : 11\n", full, StringComparison.Ordinal);
        Ask("time/warp", "20000", "1000");
        Assert.Contains("table: 1/10\n", Ask("fdb/stats-show", "br0"), StringComparison.Ordinal);
        Assert.Equal("", Ask("fdb/del", "br0", "0", "50:54:00:00:00:09"));
        Assert.Equal("could not find static mac entry\n", Refused("fdb/del", "br0", "0", "50:54:00:00:00:09"));
    }

    [Fact]
    public void Misses_are_told_in_the_log_while_somebody_asks_and_megaflows_may_be_of_one_packet()
    {
        Flows("actions=2");
        Ask("vlog/set", "dpif_netdev:file:dbg");
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.DoesNotContain("eth(", Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Assert.Equal("megaflows disabled\n", Ask("upcall/disable-megaflows"));
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Contains("eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a)", Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Ask("vlog/set", "dpif_netdev:file:info");
        Ask("revalidator/purge");
        Ask("netdev-dummy/receive", "p1", Ping);
        string[] log = File.ReadAllLines(_folder["log"]);
        int[] misses = [.. Enumerable.Range(0, log.Length).Where(i => log[i].Contains("miss upcall", StringComparison.Ordinal))];
        Assert.Equal(2, misses.Length);
        Assert.StartsWith("skb_priority(0),skb_mark(0),ct_state(0),", log[misses[0] + 1], StringComparison.Ordinal);
        Assert.Equal(2, log.Count(static l => l.Contains("flow_add: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Why_packets_go_nowhere_is_counted_each_the_first_included()
    {
        Flows("in_port=1,actions=drop", "in_port=2,actions=resubmit(,0)");
        for (int i = 0; i < 3; i++) Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal("3\n", Ask("coverage/read-counter", "drop_action_of_pipeline"));
        Ask("revalidator/purge");
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal("4\n", Ask("coverage/read-counter", "drop_action_of_pipeline"));
        Assert.Equal("0\n", Ask("coverage/read-counter", "drop_action_recursion_too_deep"));
        Ask("netdev-dummy/receive", "p2", Ping);
        Assert.Equal("1\n", Ask("coverage/read-counter", "drop_action_recursion_too_deep"));
        Assert.Equal("No such counter\n", Refused("coverage/read-counter", "drop_action_of_nobody"));
    }

    [Fact]
    public void A_port_that_is_taken_out_of_the_datapath_comes_back_when_something_is_wanted_anew()
    {
        Assert.Equal("", Ask("dpctl/del-if", "dummy@ovs-dummy", "p1"));
        Assert.DoesNotContain("p1", Ask("dpif/show"), StringComparison.Ordinal);
        Assert.Equal("ovs-vswitchd: no port named p1\n", Refused("dpctl/del-if", "dummy@ovs-dummy", "p1"));
        _server.Vsctl("del-port", "p2");
        Eventually.True(() => Ask("dpif/show").Contains("/1: (dummy)", StringComparison.Ordinal), "it is back");
    }

    [Fact]
    public void Tunnels_go_by_routes_and_neighbours_that_are_said()
    {
        _server.Vsctl("add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy", "fail-mode=secure",
            "--", "add-port", "br1", "t1", "--", "set", "interface", "t1", "type=vxlan", "options:remote_ip=192.0.2.2", "options:key=7",
            "--", "add-port", "br1", "p3", "--", "set", "interface", "p3", "type=dummy");
        Eventually.True(() => Ask("dpif/show").Contains("p3", StringComparison.Ordinal), "the ports are there");
        using (Process ofctl = Process.Start("ovs-ofctl", ["add-flow", $"unix:{_folder["br1.mgmt"]}", "in_port=p3,actions=output:t1"])) ofctl.WaitForExit();
        Flows("in_port=LOCAL,actions=2");
        Assert.Equal("Error while inserting route.\n", Refused("ovs/route/add", "192.0.2.0/24", "br0"));
        Ask("netdev-dummy/ip4addr", "br0", "192.0.2.1/24");
        Assert.Equal("OK\n", Ask("ovs/route/add", "192.0.2.9/24", "br0"));
        Assert.Equal("OK\n", Ask("ovs/route/add", "198.51.100.0/24", "br0", "192.0.2.254", "pkt_mark=3"));
        Assert.Contains("User: 192.0.2.0/24 dev br0 SRC 192.0.2.1\n", Ask("ovs/route/show"), StringComparison.Ordinal);
        Assert.Contains("User: 198.51.100.0/24 MARK 3 dev br0 GW 192.0.2.254 SRC 192.0.2.1\n", Ask("ovs/route/show"), StringComparison.Ordinal);
        Assert.Equal("src 192.0.2.1\ngateway ::\ndev br0\n", Ask("ovs/route/lookup", "192.0.2.77"));
        Assert.Equal("src 192.0.2.1\ngateway 192.0.2.254\ndev br0\n", Ask("ovs/route/lookup", "198.51.100.1", "pkt_mark=3"));
        Assert.Equal("Not found\n", Refused("ovs/route/lookup", "192.0.2.77", "pkt_mark=3"));
        Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(0, Frames("p2.pcap"));
        Assert.Equal("bad MAC address\n", Refused("tnl/neigh/set", "br0", "192.0.2.2", "02:00"));
        Ask("time/stop");
        Assert.Equal("OK\n", Ask("tnl/neigh/set", "br0", "192.0.2.2", "02:00:00:00:00:22"));
        Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(1, Frames("p2.pcap"));
        Assert.Contains("192.0.2.2                                     02:00:00:00:00:22   br0\n", Ask("tnl/neigh/show"), StringComparison.Ordinal);
        Assert.Equal("bad aging value\n", Refused("tnl/neigh/aging", "3601"));
        Assert.Equal("OK\n", Ask("tnl/neigh/aging", "5"));
        Ask("time/warp", "5000");
        Assert.DoesNotContain("192.0.2.2 ", Ask("tnl/neigh/show"), StringComparison.Ordinal);
        Ask("tnl/neigh/set", "br0", "192.0.2.2", "02:00:00:00:00:22");
        Assert.Equal("OK\n", Ask("ovs/route/del", "192.0.2.0/24"));
        Assert.Equal("Not found\n", Refused("ovs/route/del", "192.0.2.0/24"));
        Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(1, Frames("p2.pcap"));
    }

    private int Frames(string file)
    {
        int count = 0;
        using CaptureReader reader = CaptureFile.Open(_folder[file]);
        while (reader.TryRead(out _)) count++;
        return count;
    }

    private void Flows(params string[] flows)
    {
        foreach (string flow in flows) Assert.Equal(0, Ofctl("add-flow", flow, out _));
    }

    private int FlowCount()
    {
        Ofctl("dump-flows", "", out string text);
        return text.Split('\n').Count(static l => l.Contains("actions=", StringComparison.Ordinal));
    }

    private int Ofctl(string verb, string flow, out string text)
    {
        using Process ofctl = Process.Start(new ProcessStartInfo("ovs-ofctl", ["-t", "20", verb, $"unix:{_folder["br0.mgmt"]}", flow]) { RedirectStandardOutput = true })!;
        text = ofctl.StandardOutput.ReadToEnd();
        ofctl.WaitForExit();
        return ofctl.ExitCode;
    }

    private string Ask(string command, params string[] words)
    {
        RpcReply reply = _client.Transact(command, words);
        Assert.True(reply.Error is null, reply.Error);
        return reply.Result ?? "";
    }

    private string Refused(string command, params string[] words) => _client.Transact(command, words).Error ?? throw new Xunit.Sdk.XunitException($"{command} is not refused");
}
