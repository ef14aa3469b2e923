using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary><c>mergeflow switch</c> and the commands that are for it, with hosts in network namespaces.</summary>
public sealed class SwitchCommandTests
{
    private const string Firewall = """
        table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1)
        table=0,priority=1,arp,actions=normal
        table=1,priority=10,ip,in_port=1,ct_state=+trk+new,actions=ct(commit),output:2
        table=1,priority=10,ip,in_port=1,ct_state=+trk+est,actions=output:2
        table=1,priority=10,ip,in_port=2,ct_state=+trk+est,actions=output:1
        """;

    [Fact]
    public void Without_flows_it_learns_and_every_dump_shows_it()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2");
        Ping(lab);
        Assert.Contains("actions=NORMAL", s.Must("dump-flows"), StringComparison.Ordinal);
        Assert.Equal(ExitCode.NotSeen, s.Ask("dump-program").ExitCode);
        Assert.Equal(3, s.Must("dump-macs").TrimEnd('\n').Split('\n').Length);
        Assert.Matches(@"in_port\(1\).*actions:2\n", s.Must("dump-dp-flows"));
        Assert.Matches(@"port 1: \S+ \(system, tc\): up, mtu 1500, 1 queue\n    RX packets:\d+ bytes:\d+ dropped:0\n", s.Must("ports", "-s"));
        Assert.Matches(@"Rx packets +\| +\d", s.Must("pmd-perf-show"));
        Assert.Contains("\"state\":\"up\"", s.Must("ports", "--json"), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, s.End());
        Assert.EndsWith("ending\n", s.Said, StringComparison.Ordinal);
        Assert.False(File.Exists(s.Socket));
    }

    [Fact]
    public void Flows_come_and_go_and_a_text_that_is_wrong_changes_nothing()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2");
        string flows = s.Folder.Write("flows.txt", $"priority=7,in_port={a},actions=output:{b}\npriority=7,in_port={b},actions=output:{a}\n");
        s.Must("del-flows");
        Assert.Equal("", s.Must("dump-flows"));
        s.Must("add-flows", flows);
        Ping(lab);
        string wrong = s.Folder.Write("wrong.txt", "priority=8,actions=drop\npriority=9,actions=output:nowhere\n");
        CliRun refused = s.Ask("add-flows", wrong);
        Assert.Equal(ExitCode.BadInput, refused.ExitCode);
        Assert.Contains("wrong.txt line 2", refused.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(2, s.Must("dump-flows").Count(static c => c == '\n'));
        s.Must("del-flows", "in_port=1");
        Assert.Equal(1, s.Must("dump-flows").Count(static c => c == '\n'));
        Assert.Equal(ExitCode.BadInput, s.Ask("del-flows", "nonsense").ExitCode);
    }

    [Fact]
    public void Groups_and_meters_are_all_of_a_file_or_nothing()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2");
        s.Must("add-groups", s.Folder.Write("groups.txt", "group_id=1,type=all,bucket=output:1,bucket=output:2\n"));
        s.Must("add-meters", s.Folder.Write("meters.txt", "meter=1,pktps,band=type=drop,rate=1000\n"));
        Assert.Equal(ExitCode.BadInput, s.Ask("add-groups", s.Folder.Write("g2.txt", "group_id=2,type=all,bucket=output:1\ngroup_id=1,type=all,bucket=output:1\n")).ExitCode);
        Assert.Equal(ExitCode.BadInput, s.Ask("add-meters", s.Folder.Write("m2.txt", "meter=2,pktps,band=type=drop,rate=9\nmeter=1,pktps,band=type=drop,rate=9\n")).ExitCode);
        Assert.Single(s.Must("dump-groups").TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("meter=2", s.Must("dump-meters"), StringComparison.Ordinal);
        s.Must("add-groups", s.Folder.Write("g3.txt", "delete group_id=1\n"));
        Assert.Equal("", s.Must("dump-groups"));
    }

    [Fact]
    public void A_firewall_is_merged_and_says_so()
    {
        if (!File.Exists("/usr/bin/iperf3")) Assert.Skip("iperf3 is not installed");
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using TemporaryFolder folder = new();
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--offload", "soft", "--flows", folder.Write("f.txt", Firewall));
        Assert.NotEqual(0, lab.On("b", "ping", "-c", "1", "-W", "1", "10.78.0.1").Code);
        string trace = s.Must("trace", "--flow", "in_port=2,tcp,nw_src=10.78.0.2,nw_dst=10.78.0.1", "--ct-next", "trk,est");
        Assert.StartsWith("Flow: tcp,in_port=2,", trace, StringComparison.Ordinal);
        Assert.Matches("\n 1\\. .*\n    output:1\n(.*\n)*Datapath actions: 1\n$", trace);
        Assert.Contains(": ct finds est|trk\n", trace, StringComparison.Ordinal);
        Assert.EndsWith("Datapath actions: drop\n", s.Must("trace", "--flow", "in_port=2,tcp,nw_src=10.78.0.2,nw_dst=10.78.0.1"), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, s.Ask("trace", "--flow", "nonsense").ExitCode);
        using (LiveProcess server = lab.Begin("b", "iperf3", "-s", "-1", "--forceflush"))
        {
            LiveLab.WaitFor(() => server.Text.Contains("listening", StringComparison.OrdinalIgnoreCase), "iperf3");
            using LiveProcess client = lab.Begin("a", "iperf3", "-c", "10.78.0.2", "-C", "cubic", "-t", "30");
            LiveLab.WaitFor(() => s.Must("offload", "show").Split('\n').Any(static l => l.Contains("tcp(", StringComparison.Ordinal) && l.Contains("state:Active", StringComparison.Ordinal)), "a merged rule");
            Assert.Contains("tcp,orig=(src=10.78.0.1,dst=10.78.0.2", s.Must("dump-conntrack"), StringComparison.Ordinal);
            Assert.Contains("offloaded", s.Must("offload", "stats"), StringComparison.Ordinal);
            string rule = s.Must("offload", "explain", "--flow", "tcp,nw_src=10.78.0.1,nw_dst=10.78.0.2");
            Assert.Matches("in a rule: .*\n  pass 0: megaflow .*recirc", rule);
            Assert.Equal(ExitCode.NotSeen, s.Ask("offload", "explain", "--flow", "tcp,nw_src=192.0.2.77").ExitCode);
            s.Must("offload", "why");
        }

        LiveLab.WaitFor(
            () =>
            {
                s.Must("flush-conntrack");
                return s.Must("dump-conntrack").Length == 0;
            },
            "no connection");
    }

    [Fact]
    public void Ports_go_down_by_order_and_by_their_links_and_come_back_with_their_devices()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2");
        Ping(lab);
        s.Must("mod-port", b, "down");
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "1", "-W", "1", "10.78.0.2").Code);
        s.WaitFor($"port {b} (2): down, as ordered");

        // A link that comes back does not undo the order.
        lab.Ip("link", "set", b, "down");
        lab.Ip("link", "set", b, "up");
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "1", "-W", "1", "10.78.0.2").Code);
        s.Must("mod-port", "2", "up");
        Ping(lab);
        lab.Ip("link", "set", b, "down");
        s.WaitFor($"port {b} (2): link down");
        lab.Ip("link", "set", b, "up");
        LiveLab.WaitFor(() => lab.On("a", "ping", "-c", "1", "-W", "1", "10.78.0.2").Code == 0, "the link again");
        lab.Ip("link", "del", b);
        s.WaitFor($"port {b} (2): its device is gone");
        Assert.Contains("\"state\":\"gone\"", s.Must("ports", "--json"), StringComparison.Ordinal);
        lab.Ip("link", "add", b, "type", "veth", "peer", "name", $"{b}x");
        s.WaitFor($"port {b} (2): its device is back");
        Assert.Equal(ExitCode.NotSeen, s.Ask("mod-port", "nowhere", "up").ExitCode);
    }

    [Fact]
    public void Appctl_sees_the_names_it_knows_and_can_end_it()
    {
        if (!File.Exists("/usr/bin/ovs-appctl")) Assert.Skip("ovs-appctl is not installed");
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2");
        Ping(lab);
        Assert.Equal($"mergeflow {ProgramVersion.Number}\n", Appctl(s, "version"));
        Assert.Contains("dpctl/dump-flows", Appctl(s, "list-commands"), StringComparison.Ordinal);
        Assert.Contains("ufid:", Appctl(s, "dpctl/dump-flows", "-m"), StringComparison.Ordinal);
        Assert.Contains($"port 1: {a} (system, tc)", Appctl(s, "dpctl/show"), StringComparison.Ordinal);
        Assert.Contains("actions=NORMAL", Appctl(s, "bridge/dump-flows", "br0"), StringComparison.Ordinal);
        Appctl(s, "revalidator/purge");
        Appctl(s, "exit");
        LiveLab.WaitFor(() => !s.IsRunning, "the end");
        Assert.Equal(ExitCode.Ok, s.End());
    }

    [Fact]
    public void Signals_read_rules_and_log_anew_and_end_it_in_good_order()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "priority=1,actions=normal\npriority=5,arp,actions=normal\n"), log = folder["log"], pid = folder["pid"];
        using LiveProcess s = new("dotnet", [typeof(App).Assembly.Location, "switch", "--port", $"{a}=1", "--port", $"{b}=2", "--flows", flows, "--socket", folder["s"], "--log-file", log, "--pidfile", pid]);
        LiveLab.WaitFor(() => s.Text.Contains("running: ", StringComparison.Ordinal) && File.Exists(pid), "the switch");
        using Process process = Process.GetProcessById(int.Parse(File.ReadAllText(pid), CultureInfo.InvariantCulture));
        Ping(lab);
        CliRun before = CliRun.Of("dump-flows", "--live", folder["s"], "--json");
        File.Move(log, folder["log.1"]);
        folder.Write("flows.txt", "priority=1,actions=normal\npriority=6,ip,actions=normal\n");
        Kill(process, "HUP");
        LiveLab.WaitFor(() => s.Text.Contains("rules read", StringComparison.Ordinal), "the rules");
        Assert.Contains("rules read: 2 flows, 1 of them new, 1 gone", s.Text, StringComparison.Ordinal);
        LiveLab.WaitFor(() => File.Exists(log) && File.ReadAllText(log).Contains("rules read", StringComparison.Ordinal), "the line in the new log");
        CliRun after = CliRun.Of("dump-flows", "--live", folder["s"]);
        Assert.Contains("priority=6,ip actions=NORMAL", after.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("n_packets=0, n_bytes=0, idle_age=0, priority=1 ", after.Output, StringComparison.Ordinal);
        Assert.Equal(2, before.Output.Count(static c => c == '\n'));
        folder.Write("flows.txt", "nonsense\n");
        Kill(process, "HUP");
        LiveLab.WaitFor(() => s.Text.Contains("rules stay as they are: flows.txt line 1", StringComparison.Ordinal), "the refusal");
        Kill(process, "TERM");
        Assert.Equal(ExitCode.Ok, s.End(60).Code);
        Assert.False(File.Exists(pid) || File.Exists(folder["s"]));
    }

    [Fact]
    public void A_stream_behind_firewall_and_NAT_goes_on_when_the_switch_is_started_anew()
    {
        if (!File.Exists("/usr/bin/iperf3")) Assert.Skip("iperf3 is not installed");
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using TemporaryFolder folder = new();
        string flows = folder.Write("f.txt", """
            table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1,nat)
            table=0,priority=1,arp,actions=normal
            table=1,priority=10,tcp,in_port=1,tcp_flags=+syn-ack,ct_state=+trk+new,actions=ct(commit,nat(src=10.78.0.99)),output:2
            table=1,priority=10,ip,in_port=1,ct_state=+trk+est,actions=output:2
            table=1,priority=10,ip,in_port=2,ct_state=+trk+est,actions=output:1
            """);
        string[] arguments = ["--port", $"{a}=1", "--port", $"{b}=2", "--flows", flows, "--state", folder["state"]];
        lab.Must("b", "ip", "neigh", "add", "10.78.0.99", "lladdr", lab.Must("a", "cat", "/sys/class/net/eth0/address").Trim(), "dev", "eth0");
        using LiveProcess server = lab.Begin("b", "iperf3", "-s", "-1", "--forceflush");
        LiveLab.WaitFor(() => server.Text.Contains("listening", StringComparison.OrdinalIgnoreCase), "iperf3");
        LiveProcess client;
        using (SwitchRun first = new(arguments))
        {
            client = lab.Begin("a", "iperf3", "-c", "10.78.0.2", "-C", "cubic", "-n", "3G");
            LiveLab.WaitFor(() => first.Must("dump-conntrack").Contains("dst=10.78.0.99", StringComparison.Ordinal), "the connection");
            Assert.Equal(ExitCode.Ok, first.End());
            Assert.Contains("kept in", first.Said, StringComparison.Ordinal);
        }

        using (client)
        using (SwitchRun second = new(arguments))
        {
            Assert.Matches("[1-9][0-9]* connections? taken over\n", second.Said);
            Assert.Equal(0, client.End(120).Code);
            Assert.Contains("dst=10.78.0.99", second.Must("dump-conntrack"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void It_is_watched_and_every_packet_is_accounted_for()
    {
        if (!File.Exists("/usr/bin/iperf3")) Assert.Skip("iperf3 is not installed");
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2");
        using LiveProcess server = lab.Begin("b", "iperf3", "-s", "-1", "--forceflush");
        LiveLab.WaitFor(() => server.Text.Contains("listening", StringComparison.OrdinalIgnoreCase), "iperf3");
        using LiveProcess client = lab.Begin("a", "iperf3", "-c", "10.78.0.2", "-C", "cubic", "-n", "300M");
        Assert.Matches(@"^(rx [0-9,]+/s .* rules \d+ .*\n){2}$", s.Must("top", "--interval", "0.1", "--count", "2"));
        using (Control.UnixctlClient unixctl = new(s.Socket))
        {
            JsonElement held = JsonDocument.Parse(JsonDocument.Parse(unixctl.Transact("mergeflow/run", ["", "top"]).Result!).RootElement.GetProperty("output").GetString()!).RootElement.GetProperty("gauges");
            Assert.InRange(held.GetProperty("heap_bytes").GetInt64(), 1, held.GetProperty("resident_bytes").GetInt64());
            Assert.InRange(held.GetProperty("descriptors").GetInt32(), 10, Directory.GetFiles("/proc/self/fd").Length + 50);
        }

        for (int i = 0; i < 5; i++)
        {
            CliRun audit = s.Ask("offload", "audit");
            Assert.True(audit.ExitCode == 0, audit.Output + audit.Error);
        }

        Assert.Equal(0, client.End(120).Code);
        Assert.Contains("\"unexplained_in\":0", s.Must("offload", "audit", "--json"), StringComparison.Ordinal);
        lab.Ip("link", "del", b);
        s.WaitFor("its device is gone");
        s.Must("offload", "audit");
    }

    [Fact]
    public void Started_by_root_it_has_no_more_capabilities_than_it_needs()
    {
        using LiveLab lab = new();
        (string a, _) = Hosts(lab);
        using TemporaryFolder folder = new();
        using LiveProcess s = new("dotnet", [typeof(App).Assembly.Location, "switch", "--port", $"{a}=1", "--socket", folder["s"], "--pidfile", folder["pid"]]);
        LiveLab.WaitFor(() => s.Text.Contains("running: ", StringComparison.Ordinal) && File.Exists(folder["pid"]), "the switch");
        string status = File.ReadAllText($"/proc/{File.ReadAllText(folder["pid"]).Trim()}/status");
        ulong effective = Convert.ToUInt64(System.Text.RegularExpressions.Regex.Match(status, "CapEff:\\s*([0-9a-f]+)").Groups[1].Value, 16);
        const ulong kept = (1ul << 12) | (1ul << 13) | (1ul << 14) | (1ul << 38) | (1ul << 39);
        Assert.Equal(0ul, effective & ~kept);
        Assert.NotEqual(0ul, effective & (1ul << 13));
    }

    [Fact]
    public void Half_a_client_does_not_keep_it_from_ending()
    {
        using LiveLab lab = new();
        (string a, _) = Hosts(lab);
        using SwitchRun s = new("--port", $"{a}=1");
        using Socket half = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        half.Connect(new UnixDomainSocketEndPoint(s.Socket));
        half.Send("{\"id\":"u8);
        Assert.Equal(ExitCode.Ok, s.End());
    }

    private static (string A, string B) Hosts(LiveLab lab) => (lab.AddHost("a", ["10.78.0.1/24"]), lab.AddHost("b", ["10.78.0.2/24"]));

    private static void Ping(LiveLab lab) => lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.78.0.2");

    private static string Appctl(SwitchRun s, params string[] arguments)
    {
        using LiveProcess appctl = new("/usr/bin/ovs-appctl", ["-t", s.Socket, .. arguments]);
        (int code, string text) = appctl.End(60);
        Assert.True(code == 0, text);
        return text;
    }

    private static void Kill(Process process, string signal)
    {
        using LiveProcess kill = new("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        Assert.Equal(0, kill.End(60).Code);
    }
}
