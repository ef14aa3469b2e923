using Xunit;

namespace Mergeflow.Tests;

/// <summary>Datapaths, ports and megaflows that are put in by hand (<c>dpctl/*</c>), in the words of Open vSwitch.</summary>
public sealed class ManualDatapathTests : IDisposable
{
    private const string Key = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";
    private const string Dp = "dummy@lab";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public ManualDatapathTests() => _run.Start();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_datapath_and_its_ports_come_and_go()
    {
        Assert.Equal("", _run.Ask("dpctl/add-dp", Dp));
        Assert.Equal("ovs-vswitchd: add_dp (File exists)\n", _run.Refused("dpctl/add-dp", Dp));
        Assert.Equal("ovs-vswitchd: add_dp (Address family not supported by protocol)\n", _run.Refused("dpctl/add-dp", "system@lab"));
        Assert.Equal("", _run.Ask("dpctl/add-if", Dp, "vif,type=dummy,port_no=5", "p7,type=dummy"));
        Assert.Equal($"{Dp}:\n  lookups: hit:0 missed:0 lost:0\n  flows: 0\n  port 0: lab (dummy-internal)\n  port 5: vif (dummy)\n  port 7: p7 (dummy)\n", _run.Ask("dpctl/show", Dp));
        Assert.Equal($"{Dp}\n", _run.Ask("dpctl/dump-dps"));
        Assert.Equal($"ovs-vswitchd: adding vif to {Dp} failed (File exists)\n", _run.Refused("dpctl/add-if", Dp, "vif,type=dummy"));
        Assert.Equal($"ovs-vswitchd: adding q to {Dp} failed (File exists)\n", _run.Refused("dpctl/add-if", Dp, "q,type=dummy,port_no=7"));
        Assert.Equal($"ovs-vswitchd: adding q to {Dp} failed (Address family not supported by protocol)\n", _run.Refused("dpctl/add-if", Dp, "q,type=erspan"));
        Assert.Equal("", _run.Ask("dpctl/set-if", Dp, "vif,port_no=5", "lab,type=dummy-internal"));
        Assert.Equal("ovs-vswitchd: vif: can't change type from dummy to system\n", _run.Refused("dpctl/set-if", Dp, "vif,type=system"));
        Assert.Equal("ovs-vswitchd: vif: can't change port number from 5 to 6\n", _run.Refused("dpctl/set-if", Dp, "vif,port_no=6"));
        Assert.Equal("", _run.Ask("dpctl/del-if", Dp, "vif", "7"));
        Assert.Equal("ovs-vswitchd: no port named vif\n", _run.Refused("dpctl/del-if", Dp, "vif"));
        Assert.Equal($"ovs-vswitchd: deleting port lab from {Dp} failed (Invalid argument)\n", _run.Refused("dpctl/del-if", Dp, "lab"));
        Assert.Equal("", _run.Ask("dpctl/del-dp", Dp));
        Assert.Equal("ovs-vswitchd: opening datapath (No such device)\n", _run.Refused("dpctl/del-dp", Dp));
        Assert.Equal("ovs-vswitchd: no datapaths exist\novs-vswitchd: datapath not found (Invalid argument)\n", _run.Refused("dpctl/add-flow", Key, "2"));
    }

    [Fact]
    public void Packets_go_by_megaflows_that_are_put_in_by_hand()
    {
        _run.Ask("dpctl/add-dp", Dp, "p1,type=dummy", "p2,type=dummy");
        _run.Ask("netdev-dummy/receive", "p1", Key);
        Assert.Contains("missed:1 lost:1", _run.Ask("dpctl/show", Dp), StringComparison.Ordinal);
        Assert.Equal("", _run.Ask("dpctl/dump-flows", Dp));

        const string wide = "in_port(1),eth(),eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,frag=no)";
        Assert.Equal("", _run.Ask("dpctl/add-flow", Dp, wide, "set(ipv4(ttl=9)),2"));
        for (int i = 0; i < 3; i++) _run.Ask("netdev-dummy/receive", "p1", Key);
        Assert.Matches(@"recirc_id\(0\),in_port\(1\),eth_type\(0x0800\),ipv4\(dst=10.0.0.0/255.0.0.0,frag=no\), packets:3, bytes:318, used:[0-9.]+s, actions:set\(ipv4\(ttl=9\)\),2\n", _run.Ask("dpctl/dump-flows", Dp));

        // Another program: what was counted stays.
        Assert.Equal("ovs-vswitchd: updating flow table (File exists)\n", _run.Refused("dpctl/add-flow", Dp, wide, "drop"));
        Assert.Equal("", _run.Ask("dpctl/mod-flow", Dp, wide, "push_vlan(vid=7,pcp=0),2"));
        _run.Ask("netdev-dummy/receive", "p1", Key);
        Assert.Contains("packets:4, bytes:424", _run.Ask("dpctl/dump-flows", Dp), StringComparison.Ordinal);
        Assert.Contains("actions:push_vlan(vid=7,pcp=0),2\n", _run.Ask("dpctl/dump-flows", Dp), StringComparison.Ordinal);

        Assert.Equal("ovs-vswitchd: updating flow table (No such file or directory)\n", _run.Refused("dpctl/mod-flow", Dp, "in_port(2),eth_type(0x1234)", "1"));
        Assert.Equal("", _run.Ask("dpctl/mod-flow", "--may-create", Dp, "in_port(2),eth_type(0x1234)", "1"));
        Assert.Equal("", _run.Ask("dpctl/del-flow", Dp, wide));
        Assert.Equal("ovs-vswitchd: deleting flow (No such file or directory)\nPerhaps you need to specify a UFID?\n", _run.Refused("dpctl/del-flow", Dp, wide));
        Assert.Equal("", _run.Ask("dpctl/del-flows", Dp));
        Assert.Equal("", _run.Ask("dpctl/dump-flows", Dp));
    }

    [Fact]
    public void Flows_come_from_a_file_line_by_line()
    {
        _run.Ask("dpctl/add-dp", Dp);
        const string a = "in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x1234)", b = "in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:03),eth_type(0x1234)";
        string file = _run.Folder.Write("flows", $"# two, of which one goes\nadd {a} 2\n{b} 2\nmodify {a} 1\ndelete {b}\ndelete {b} 7\n{b}\n");
        Assert.Equal("ovs-vswitchd: Failed parsing line number 6, skipped!\novs-vswitchd: Failed parsing line number 7, skipped!\n", _run.Ask("dpctl/add-flows", Dp, file));
        Assert.Equal($"flow-dump from the main thread:\nrecirc_id(0),{a}, packets:0, bytes:0, used:never, actions:1\n", _run.Ask("dpctl/dump-flows", Dp));
        Assert.Equal("", _run.Ask("dpctl/del-flows", Dp, _run.Folder.Write("gone", $"{a}\n")));
        Assert.Equal("", _run.Ask("dpctl/dump-flows", Dp));
        Assert.Contains("failed (No such file or directory)", _run.Refused("dpctl/add-flows", Dp, _run.Folder["missing"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_datapath_may_be_called_as_a_bridge_is()
    {
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy");
        Eventually.True(() => _run.Ask("dpif/show").Contains("br0 65534", StringComparison.Ordinal), "the bridge is there");
        Assert.Equal("", _run.Ask("dpctl/add-dp", "dummy@br0"));
        Assert.Contains("port 0: br0 (dummy-internal)", _run.Ask("dpctl/show", "dummy@br0"), StringComparison.Ordinal);
        Assert.Contains("failed (File exists)", _run.Refused("dpctl/add-if", "dummy@br0", "br0,type=dummy"), StringComparison.Ordinal);
        Assert.Equal("", _run.Ask("dpctl/del-dp", "dummy@br0"));
        Assert.Equal("", _run.Ask("netdev-dummy/receive", "br0", "in_port(65534),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x1234)"));
    }

    [Fact]
    public void A_flow_has_the_name_that_it_is_given()
    {
        const string name = "ufid:01234567-89ab-cdef-0123-456789abcdef";
        _run.Ask("dpctl/add-dp", Dp);
        _run.Ask("dpctl/add-flow", Dp, $"{name},in_port(1),eth_type(0x1234)", "2");
        Assert.Contains("in_port(1),eth_type(0x1234)", _run.Ask("dpctl/get-flow", Dp, name), StringComparison.Ordinal);

        // No table says what it should be, whatever happens to ports.
        Assert.Equal("", _run.Ask("dpctl/add-if", Dp, "p9,type=dummy"));
        Assert.Equal("OK\n", _run.Ask("netdev-dummy/set-admin-state", "p9", "down"));
        Assert.Equal("", _run.Ask("dpctl/del-if", Dp, "p9"));
        Assert.Contains("actions:2\n", _run.Ask("dpctl/get-flow", Dp, name), StringComparison.Ordinal);
        Assert.Equal("", _run.Ask("dpctl/del-flow", Dp, name));
        Assert.Equal("ovs-vswitchd: getting flow (No such file or directory)\n", _run.Refused("dpctl/get-flow", Dp, name));
        Assert.Equal("ovs-vswitchd: parsing flow ufid (Invalid argument)\n", _run.Refused("dpctl/del-flow", Dp, "ufid:7"));
    }

    [Fact]
    public void Beside_bridges_a_flow_lives_until_the_revalidator_looks_at_it()
    {
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p2 2/2", StringComparison.Ordinal), "the ports are there");
        _run.Ask("time/stop");
        _run.Ask("revalidator/pause");
        const string name = "ufid:01234567-89ab-cdef-0123-456789abcdef";
        _run.Ask("dpctl/add-flow", $"{name},in_port(1),eth_type(0x0800),ipv4(src=0.0.0.0/192.0.0.0,frag=no)", "2");
        _run.Ask("dpctl/add-flow", "in_port(77),eth_type(0x1234)", "2");
        _run.Ask("time/warp", "5000", "1000");
        Assert.Contains("in_port(77)", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Assert.Contains("actions:2\n", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        _run.Ask("revalidator/resume");
        _run.Ask("time/warp", "5000", "1000");
        Assert.DoesNotContain("in_port(77)", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Assert.DoesNotContain("actions:2\n", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Assert.Contains("actions:drop\n", _run.Ask("dpctl/get-flow", name), StringComparison.Ordinal);
        Assert.Equal("ovs-vswitchd: adding q to dummy@ovs-dummy failed (Operation not supported)\n", _run.Refused("dpctl/add-if", "dummy@ovs-dummy", "q,type=dummy"));
        Assert.Equal("ovs-vswitchd: del_dp (Device or resource busy)\n", _run.Refused("dpctl/del-dp", "dummy@ovs-dummy"));
        Assert.Equal("ovs-vswitchd: updating flow table (Invalid argument)\n", _run.Refused("dpctl/add-flow", "eth(),eth_type(0x0800),ipv4()", "3"));
        Assert.Contains("|dpif_netdev|ERR|failed to put[create] flow: in_port is not an exact match", _run.Log, StringComparison.Ordinal);
    }

    /// <summary>What is no name of a datapath is never taken for that of the bridges.</summary>
    [Fact]
    public void A_word_that_names_no_datapath_touches_none()
    {
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p1 1/1", StringComparison.Ordinal), "the port is there");
        _run.Ask("time/stop");
        _run.Ask("revalidator/pause");
        _run.Ask("dpctl/add-flow", "in_port(1),eth_type(0x1234)", "2");
        foreach (string word in new[] { "-m", "-", "a=b" })
        {
            Assert.Equal($"ovs-vswitchd: Opening file \"{word}\" failed (No such file or directory)", _run.Refused("dpctl/del-flows", word).TrimEnd('\n'));
            Assert.Equal("ovs-vswitchd: opening datapath (No such device)\n", _run.Refused("dpctl/del-if", word, "p1"));
            Assert.Equal("ovs-vswitchd: opening datapath (No such device)\n", _run.Refused("dpctl/add-flow", word, "in_port(1),eth_type(0x4321)", "2"));
        }

        Assert.Contains("in_port(1),eth_type(0x1234)", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Assert.DoesNotContain("0x4321", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Assert.Contains("p1 1/1", _run.Ask("dpif/show"), StringComparison.Ordinal);
        Assert.Equal("ovs-vswitchd: add_dp (File exists)\n", _run.Refused("dpctl/add-dp", "netdev@ovs-netdev"));
        Assert.Equal("ovs-vswitchd: a flow and its actions are wanted (Invalid argument)\n", _run.Refused("dpctl/mod-flow", "--may-create", "in_port(1),eth_type(0x1234)"));
        Assert.Equal("", _run.Ask("dpctl/add-dp", Dp));
        Assert.Equal($"ovs-vswitchd: adding p1 to {Dp} failed (Device or resource busy)\n", _run.Refused("dpctl/add-if", Dp, "p1,type=dummy,port_no=3"));
        Assert.Equal("", _run.Ask("dpctl/add-if", Dp, "p3,type=dummy,port_no=3"));
    }
}
