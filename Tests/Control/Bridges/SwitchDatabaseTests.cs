using System.Diagnostics;
using Mergeflow.Cli;
using Mergeflow.Control;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a switch without devices makes of its database, in a process of its own beside a real server.</summary>
public sealed class SwitchDatabaseTests : IDisposable
{
    private const string Ping = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";
    private const string Back = "in_port(2),eth(src=50:54:00:00:00:0a,dst=50:54:00:00:00:09),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=0,code=0)";

    private readonly OvsdbServer _server = new();
    private readonly TemporaryFolder _folder = new();
    private readonly Process _process;
    private readonly UnixctlClient _client;

    public SwitchDatabaseTests()
    {
        ProcessStartInfo start = new("dotnet", [typeof(App).Assembly.Location, "vswitchd", _server.Remote, "--enable-dummy", "--disable-system", "-vconsole:off", $"--log-file={_folder["log"]}"]);
        start.Environment["OVS_RUNDIR"] = Path.GetDirectoryName(_folder["x"]);
        _process = Process.Start(start)!;
        string socket = _folder[$"ovs-vswitchd.{_process.Id}.ctl"];
        Eventually.True(() => File.Exists(socket), "it answers");
        _client = new UnixctlClient(socket);
        List<string> make = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy"];
        for (int i = 1; i <= 4; i++) make.AddRange(["--", "add-port", "br0", $"p{i}", "--", "set", "interface", $"p{i}", "type=dummy", $"ofport_request={i}", $"options:tx_pcap={_folder[$"p{i}.pcap"]}"]);
        _server.Vsctl([.. make]);
        Eventually.True(() => Ask("dpif/show").Contains("p4", StringComparison.Ordinal), "the ports are there");
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

    /// <summary>Open vSwitch 3.1 does neither without packet threads of its own.</summary>
    [Fact]
    public void Forwarding_and_OpenFlow_go_on_while_the_database_server_is_away()
    {
        _server.Stop();
        Eventually.True(() => File.ReadAllText(_folder["log"]).Contains("connection", StringComparison.Ordinal), "it is noticed");
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(1, Frames(2));
        Flows("in_port=1,actions=3");
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal((1, 2), (Frames(2), Frames(3)));
        _server.Start();
        _server.VsctlWaiting("--", "add-port", "br0", "p5", "--", "set", "interface", "p5", "type=dummy");
        Assert.Contains("p5", Ask("dpif/show"), StringComparison.Ordinal);
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal(3, Frames(3));
    }

    [Fact]
    public void A_mirror_of_the_database_copies_and_says_how_much()
    {
        _server.VsctlWaiting("--", "--id=@p", "get", "port", "p4", "--", "--id=@m", "create", "mirror", "name=m", "select-all=true", "output-port=@p", "--", "set", "bridge", "br0", "mirrors=@m");
        Ask("netdev-dummy/receive", "p1", Ping);
        Ask("netdev-dummy/receive", "p2", Back);
        Assert.Equal((1, 1, 1, 2), (Frames(1), Frames(2), Frames(3), Frames(4)));
        Eventually.True(() => _server.Vsctl("get", "mirror", "m", "statistics") == "{tx_bytes=212, tx_packets=2}", "the column says so");
        _server.VsctlWaiting("--", "clear", "bridge", "br0", "mirrors");
        Ask("netdev-dummy/receive", "p2", Back);
        Assert.Equal(2, Frames(4));
    }

    [Fact]
    public void A_bond_of_the_database_uses_the_member_whose_link_is_there()
    {
        _server.VsctlWaiting("--", "del-port", "br0", "p2", "--", "del-port", "br0", "p3", "--", "add-bond", "br0", "bond0", "m2", "m3", "bond_mode=active-backup", "--", "set", "interface", "m2", "type=dummy", $"options:tx_pcap={_folder["m2.pcap"]}",
            "--", "set", "interface", "m3", "type=dummy", $"options:tx_pcap={_folder["m3.pcap"]}");
        Assert.Contains("member m2: enabled\n  active member\n", Ask("bond/show", "bond0"), StringComparison.Ordinal);
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal((1, 0), (Frames("m2.pcap"), Frames("m3.pcap")));
        string before = _server.Vsctl("get", "port", "bond0", "bond_active_slave");
        Ask("netdev-dummy/set-admin-state", "m2", "down");
        Eventually.True(() => Ask("bond/show").Contains("member m3: enabled\n  active member\n", StringComparison.Ordinal), "the other one takes over");
        Ask("netdev-dummy/receive", "p1", Ping);
        Assert.Equal((1, 1), (Frames("m2.pcap"), Frames("m3.pcap")));
        Eventually.True(() => _server.Vsctl("get", "port", "bond0", "bond_active_slave") != before, "the column says so");
        Assert.Equal("bond\ttype\trecircID\tmembers\nbond0\tactive-backup\t0\tm2, m3\n", Ask("bond/list"));
    }

    [Fact]
    public void What_is_not_there_is_refused_by_a_line_and_in_the_status()
    {
        _server.VsctlWaiting("--", "set", "bridge", "br0", "stp_enable=true", "--", "--id=@n", "create", "netflow", "targets=\"127.0.0.1:5566\"", "--", "set", "bridge", "br0", "netflow=@n");
        Assert.Equal("{not_supported=\"stp,netflow\"}", _server.Vsctl("get", "bridge", "br0", "status"));
        string log = File.ReadAllText(_folder["log"]);
        Assert.Contains("|WARN|bridge br0: stp is not supported, ignoring", log, StringComparison.Ordinal);
        Assert.Contains("|WARN|bridge br0: netflow is not supported, ignoring", log, StringComparison.Ordinal);
        _server.VsctlWaiting("--", "set", "interface", "p2", "ingress_policing_rate=1000", "lldp:enable=true", "--", "set", "bridge", "br0", "mcast_snooping_enable=true");
        Assert.Equal("{not_supported=\"lldp,ingress_policing\"}", _server.Vsctl("get", "interface", "p2", "status"));
        Assert.Equal("{not_supported=\"stp,mcast_snooping,netflow\"}", _server.Vsctl("get", "bridge", "br0", "status"));
        Assert.Contains("|WARN|interface p2: ingress_policing is not supported, ignoring", File.ReadAllText(_folder["log"]), StringComparison.Ordinal);
        _server.VsctlWaiting("--", "set", "port", "p1", "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb");
        Eventually.True(() => File.ReadAllText(_folder["log"]).Contains("p1: a virtual port has no queues, ignoring QoS type linux-htb", StringComparison.Ordinal), "the log says so");
        _server.VsctlWaiting("--", "set", "bridge", "br0", "stp_enable=false", "mcast_snooping_enable=false", "--", "clear", "bridge", "br0", "netflow");
        Assert.Equal("{}", _server.Vsctl("get", "bridge", "br0", "status"));
    }

    [Fact]
    public void The_machine_is_described_when_that_is_asked_for()
    {
        _server.VsctlWaiting("--", "set", "open", ".", "other_config:enable-statistics=true");
        Eventually.True(() => _server.Vsctl("get", "open", ".", "statistics").Contains("load_average=", StringComparison.Ordinal), "the column says so");
        Assert.Contains($"cpu=\"{Environment.ProcessorCount}\"", _server.Vsctl("get", "open", ".", "statistics"), StringComparison.Ordinal);
        _server.VsctlWaiting("--", "remove", "open", ".", "other_config", "enable-statistics");
        Eventually.True(() => _server.Vsctl("get", "open", ".", "statistics") == "{}", "the column is empty again");
    }

    private int Frames(int port) => Frames($"p{port}.pcap");

    private int Frames(string file)
    {
        int count = 0;
        using CaptureReader reader = CaptureFile.Open(_folder[file]);
        while (reader.TryRead(out _)) count++;
        return count;
    }

    private void Flows(string flow)
    {
        using Process ofctl = Process.Start("ovs-ofctl", ["-t", "20", "add-flow", $"unix:{_folder["br0.mgmt"]}", flow]);
        ofctl.WaitForExit();
        Assert.Equal(0, ofctl.ExitCode);
    }

    private string Ask(string command, params string[] words)
    {
        RpcReply reply = _client.Transact(command, words);
        Assert.True(reply.Error is null, reply.Error);
        return reply.Result ?? "";
    }
}
