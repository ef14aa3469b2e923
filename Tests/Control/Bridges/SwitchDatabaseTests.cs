using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a switch without devices makes of its database, in a process of its own beside a real server.</summary>
public sealed class SwitchDatabaseTests : IDisposable
{
    private const string Ping = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";
    private const string Back = "in_port(2),eth(src=50:54:00:00:00:0a,dst=50:54:00:00:00:09),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=0,code=0)";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public SwitchDatabaseTests()
    {
        _run.Start();
        List<string> make = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy"];
        for (int i = 1; i <= 4; i++) make.AddRange(["--", "add-port", "br0", $"p{i}", "--", "set", "interface", $"p{i}", "type=dummy", $"ofport_request={i}", $"options:tx_pcap={_run.Folder[$"p{i}.pcap"]}"]);
        _run.Server.Vsctl([.. make]);
        Eventually.True(() => _run.Ask("dpif/show").Contains("p4", StringComparison.Ordinal), "the ports are there");
    }

    public void Dispose() => _run.Dispose();

    /// <summary>Open vSwitch 3.1 does neither without packet threads of its own.</summary>
    [Fact]
    public void Forwarding_and_OpenFlow_go_on_while_the_database_server_is_away()
    {
        _run.Server.Stop();
        Eventually.True(() => _run.Log.Contains("connection", StringComparison.Ordinal), "it is noticed");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(1, Frames(2));
        Flows("in_port=1,actions=3");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal((1, 2), (Frames(2), Frames(3)));
        _run.Server.Start();
        _run.Server.VsctlWaiting("--", "add-port", "br0", "p5", "--", "set", "interface", "p5", "type=dummy");
        Assert.Contains("p5", _run.Ask("dpif/show"), StringComparison.Ordinal);
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(3, Frames(3));
    }

    [Fact]
    public void A_mirror_of_the_database_copies_and_says_how_much()
    {
        _run.Server.VsctlWaiting("--", "--id=@p", "get", "port", "p4", "--", "--id=@m", "create", "mirror", "name=m", "select-all=true", "output-port=@p", "--", "set", "bridge", "br0", "mirrors=@m");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        _run.Ask("netdev-dummy/receive", "p2", Back);
        Assert.Equal((1, 1, 1, 2), (Frames(1), Frames(2), Frames(3), Frames(4)));
        Eventually.True(() => _run.Server.Vsctl("get", "mirror", "m", "statistics") == "{tx_bytes=212, tx_packets=2}", "the column says so");
        _run.Server.VsctlWaiting("--", "clear", "bridge", "br0", "mirrors");
        _run.Ask("netdev-dummy/receive", "p2", Back);
        Assert.Equal(2, Frames(4));
    }

    [Fact]
    public void A_bond_of_the_database_uses_the_member_whose_link_is_there()
    {
        _run.Server.VsctlWaiting("--", "del-port", "br0", "p2", "--", "del-port", "br0", "p3", "--", "add-bond", "br0", "bond0", "m2", "m3", "bond_mode=active-backup", "--", "set", "interface", "m2", "type=dummy", $"options:tx_pcap={_run.Folder["m2.pcap"]}",
            "--", "set", "interface", "m3", "type=dummy", $"options:tx_pcap={_run.Folder["m3.pcap"]}");
        Assert.Contains("member m2: enabled\n  active member\n", _run.Ask("bond/show", "bond0"), StringComparison.Ordinal);
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal((1, 0), (_run.Frames("m2.pcap"), _run.Frames("m3.pcap")));
        string before = _run.Server.Vsctl("get", "port", "bond0", "bond_active_slave");
        _run.Ask("netdev-dummy/set-admin-state", "m2", "down");
        Eventually.True(() => _run.Ask("bond/show").Contains("member m3: enabled\n  active member\n", StringComparison.Ordinal), "the other one takes over");

        // Whoever is behind it is told where the address is that was seen at p1; then the packet itself comes.
        Eventually.True(() => _run.Frames("m3.pcap") == 1, "the address is told");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal((1, 2), (_run.Frames("m2.pcap"), _run.Frames("m3.pcap")));
        Eventually.True(() => _run.Server.Vsctl("get", "port", "bond0", "bond_active_slave") != before, "the column says so");
        Assert.Equal("bond\ttype\trecircID\tmembers\nbond0\tactive-backup\t0\tm2, m3\n", _run.Ask("bond/list"));
    }

    [Fact]
    public void What_is_not_there_is_refused_by_a_line_and_in_the_status()
    {
        _run.Server.VsctlWaiting("--", "set", "bridge", "br0", "stp_enable=true", "--", "--id=@n", "create", "netflow", "targets=\"127.0.0.1:5566\"", "--", "set", "bridge", "br0", "netflow=@n");
        Assert.Equal("{not_supported=\"stp,netflow\"}", _run.Server.Vsctl("get", "bridge", "br0", "status"));
        string log = _run.Log;
        Assert.Contains("|WARN|bridge br0: stp is not supported, ignoring", log, StringComparison.Ordinal);
        Assert.Contains("|WARN|bridge br0: netflow is not supported, ignoring", log, StringComparison.Ordinal);
        _run.Server.VsctlWaiting("--", "set", "interface", "p2", "lldp:enable=true");
        Assert.Equal("{not_supported=lldp}", _run.Server.Vsctl("get", "interface", "p2", "status"));
        Assert.Equal("{not_supported=\"stp,netflow\"}", _run.Server.Vsctl("get", "bridge", "br0", "status"));
        Assert.Contains("|WARN|interface p2: lldp is not supported, ignoring", _run.Log, StringComparison.Ordinal);
        _run.Server.VsctlWaiting("--", "set", "port", "p1", "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb");
        Eventually.True(() => _run.Log.Contains("p1: a virtual port has no queues, ignoring QoS type linux-htb", StringComparison.Ordinal), "the log says so");
        _run.Server.VsctlWaiting("--", "set", "bridge", "br0", "stp_enable=false", "--", "clear", "bridge", "br0", "netflow");
        Assert.Equal("{}", _run.Server.Vsctl("get", "bridge", "br0", "status"));
    }

    [Fact]
    public void The_machine_is_described_when_that_is_asked_for()
    {
        _run.Server.VsctlWaiting("--", "set", "open", ".", "other_config:enable-statistics=true");
        Eventually.True(() => _run.Server.Vsctl("get", "open", ".", "statistics").Contains("load_average=", StringComparison.Ordinal), "the column says so");
        Assert.Contains($"cpu=\"{Environment.ProcessorCount}\"", _run.Server.Vsctl("get", "open", ".", "statistics"), StringComparison.Ordinal);
        _run.Server.VsctlWaiting("--", "remove", "open", ".", "other_config", "enable-statistics");
        Eventually.True(() => _run.Server.Vsctl("get", "open", ".", "statistics") == "{}", "the column is empty again");
    }

    private int Frames(int port) => _run.Frames($"p{port}.pcap");

    private void Flows(string flow) => _run.Ofctl("add-flow", "br0", flow);
}
