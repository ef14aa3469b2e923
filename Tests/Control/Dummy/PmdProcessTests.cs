using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packet threads of a switch as <c>ovs-vsctl</c> and <c>ovs-appctl</c> see them, on processors that are only said to be there. In a process of its own, as it has one clock.</summary>
public sealed class PmdProcessTests : IDisposable
{
    private const string Ping = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system", "--dummy-numa=0,0,1,1");

    public PmdProcessTests()
    {
        _run.Start();
        _run.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy-pmd", "ofport_request=1", "options:n_rxq=4");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p1", StringComparison.Ordinal) && File.Exists(_run.Folder["br0.mgmt"]), "the bridge is there");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Threads_are_shown_with_their_processor_and_queues()
    {
        Assert.Contains("ovs_numa|INFO|Discovered 2 NUMA nodes and 4 CPU cores", _run.Log, StringComparison.Ordinal);
        _run.Ask("time/stop");
        Set("pmd-cpu-mask=0x3");
        string shown = _run.Ask("dpif-netdev/pmd-rxq-show");
        Assert.Equal(
            """
            Displaying last 60 seconds pmd usage %
            pmd thread numa_id 0 core_id 0:
              isolated : false
              port: p1                queue-id:  0 (enabled)   pmd usage: NOT AVAIL
              port: p1                queue-id:  3 (enabled)   pmd usage: NOT AVAIL
              overhead: NOT AVAIL
            pmd thread numa_id 0 core_id 1:
              isolated : false
              port: p1                queue-id:  1 (enabled)   pmd usage: NOT AVAIL
              port: p1                queue-id:  2 (enabled)   pmd usage: NOT AVAIL
              overhead: NOT AVAIL

            """,
            shown);
        Assert.Contains("core_id 1", _run.Ask("dpif-netdev/pmd-rxq-show", "-pmd", "1", "-secs", "7", "ovs-dummy"), StringComparison.Ordinal);
        Assert.StartsWith("Displaying last 10 seconds pmd usage %\npmd thread numa_id 0 core_id 1:", _run.Ask("dpif-netdev/pmd-rxq-show", "-pmd", "1", "-secs", "7"), StringComparison.Ordinal);
        Assert.Equal("pmd rxq rebalance requested.\n", _run.Ask("dpif-netdev/pmd-rxq-rebalance"));
        Assert.Contains("dpif_netdev|INFO|There are 2 pmd threads on numa node 0", _run.Log, StringComparison.Ordinal);
    }

    /// <summary>Ports that come otherwise than by the database have a thread, too.</summary>
    [Fact]
    public void A_port_with_another_number_is_polled()
    {
        _run.SetFlows("br0", "in_port=1,icmp actions=LOCAL\n");
        Set("pmd-cpu-mask=0x3");
        Assert.Equal("", _run.Ask("dpif-dummy/change-port-number", "ovs-dummy", "p1", "9"));
        for (int q = 0; q < 4; q++) Assert.Equal("", _run.Ask("netdev-dummy/receive", "p1", "--qid", $"{q}", Ping));
        Assert.Contains("n_packets=4, ", _run.Ofctl("dump-flows", "br0"), StringComparison.Ordinal);
        Assert.Equal("", _run.Ask("dpctl/del-if", "dummy@ovs-dummy", "p1"));
        Assert.DoesNotContain("p1", _run.Ask("dpif-netdev/pmd-rxq-show"), StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_come_and_go_with_the_mask_and_packets_go_on()
    {
        _run.SetFlows("br0", "in_port=1,icmp actions=LOCAL\n");
        int sent = 0;
        foreach ((string mask, string threads) in new[] { ("f", "0 1 2 3"), ("c", "2 3"), ("2", "1"), ("6", "1 2"), ("1", "0") })
        {
            Set($"pmd-cpu-mask={mask}");
            Assert.Equal(threads, string.Join(' ', Regex.Matches(_run.Ask("dpif-netdev/pmd-stats-show"), "core_id ([0-9]+)").Select(static m => m.Groups[1].Value)));
            for (int q = 0; q < 4; q++, sent++) _run.Ask("netdev-dummy/receive", "p1", "--qid", $"{q}", Ping);
            Assert.Contains($"n_packets={sent}, ", _run.Ofctl("dump-flows", "br0"), StringComparison.Ordinal);
            int polls = Regex.Matches(_run.Ask("dpif-netdev/pmd-rxq-show"), "queue-id").Count;
            Assert.Equal(4, polls);
        }

        // Without a port that they poll there are none.
        _run.Vsctl("del-port", "p1");
        Assert.DoesNotContain("pmd thread", _run.Ask("dpif-netdev/pmd-stats-show"), StringComparison.Ordinal);
    }

    [Fact]
    public void Megaflows_are_dumped_by_thread_and_go_with_it()
    {
        _run.SetFlows("br0", "in_port=1,icmp actions=LOCAL\n");
        Set("pmd-cpu-mask=3");
        for (int q = 0; q < 2; q++) _run.Ask("netdev-dummy/receive", "p1", "--qid", $"{q}", Ping);
        Assert.Equal(["flow-dump from pmd on cpu core: 0", "flow-dump from pmd on cpu core: 1"], Headers(_run.Ask("dpctl/dump-flows")));
        Assert.Empty(Headers(_run.Ask("dpctl/dump-flows", "pmd=1")));
        Assert.Contains("in_port(1)", _run.Ask("dpctl/dump-flows", "pmd=1"), StringComparison.Ordinal);
        Assert.Equal("", _run.Ask("dpctl/dump-flows", "pmd=-1"));
        Set("pmd-cpu-mask=1");
        Assert.Equal(["flow-dump from pmd on cpu core: 0"], Headers(_run.Ask("dpctl/dump-flows")));
    }

    [Fact]
    public void Queues_are_pinned_and_threads_that_have_such_are_isolated()
    {
        Set("pmd-cpu-mask=f");
        _run.Vsctl("set", "interface", "p1", "other_config:pmd-rxq-affinity=0:3,1:0,2:7");
        Assert.Equal("0>3 1>0 2>1 3>1", Where());
        Assert.Contains("WARN|Core  7 cannot be pinned with port 'p1' rx queue 2. Use pmd-cpu-mask to enable a pmd on core 7.", _run.Log, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(_run.Ask("dpif-netdev/pmd-rxq-show"), "isolated : true"));
        _run.Vsctl("set", "interface", "p1", "other_config:pmd-rxq-affinity=wrong");
        Assert.Equal(0, Regex.Count(_run.Ask("dpif-netdev/pmd-rxq-show"), "isolated : true"));
        _run.Vsctl("set", "interface", "p1", "other_config:pmd-rxq-affinity=0:0,1:1,2:2,3:3", "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy-pmd");
        Assert.Contains("WARN|No non-isolated pmd on any numa available for port 'p2' rx queue 0", _run.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("p2", _run.Ask("dpif-netdev/pmd-rxq-show"), StringComparison.Ordinal);
    }

    [Fact]
    public void Queues_and_node_of_a_port_change_while_it_is_there()
    {
        Set("pmd-cpu-mask=c");
        Assert.Contains("There's no available (non-isolated) pmd thread on numa node 0. Port 'p1' rx queue 3 will be assigned to a pmd on numa node 1.", _run.Log, StringComparison.Ordinal);
        _run.Vsctl("set", "interface", "p1", "options:n_rxq=2", "options:n_txq=3", "options:numa_id=1");
        Assert.Equal("0>2 1>3", Where());
        Assert.Contains("configured_rx_queues=2, configured_tx_queues=3", _run.Ask("dpif/show"), StringComparison.Ordinal);
        Assert.Equal("bad rx queue id.\n", _run.Refused("netdev-dummy/receive", "p1", "--qid", "2", Ping));
        _run.Vsctl("remove", "interface", "p1", "options", "n_rxq");
        Assert.Equal("0>2", Where());
    }

    [Theory]
    [InlineData("thread", 1)]
    [InlineData("hash", 2)]
    public void Frames_leave_by_the_transmit_queue_of_their_thread_or_their_hash(string mode, int used)
    {
        _run.Vsctl("add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy-pmd", "ofport_request=2", "options:n_txq=2", $"other_config:tx-steering={mode}");
        _run.SetFlows("br0", "in_port=1 actions=output:2\n");
        for (int port = 1; port <= 32; port++) _run.Ask("netdev-dummy/receive", "p1", $"in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:01:00),eth_type(0x0800),ipv4(src=10.0.1.1,dst=10.0.0.1,proto=17),udp(src=1000,dst={port})");
        string counted = _run.Ofctl("dump-ports", "br0", "2");
        ulong[] queues = [.. Regex.Matches(counted, "tx_q[0-9]_packets=([0-9]+)").Select(static m => ulong.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(2, queues.Length);
        Assert.Equal(32UL, queues[0] + queues[1]);
        Assert.Equal(used, queues.Count(static q => q > 0));
    }

    [Fact]
    public void Queues_are_assigned_anew_when_threads_have_too_much_to_do()
    {
        Set("pmd-cpu-mask=3", "pmd-auto-lb=true", "pmd-auto-lb-load-threshold=0", "pmd-auto-lb-improvement-threshold=0");
        _run.Ask("vlog/set", "dpif_netdev:file:dbg");
        _run.Ask("time/stop");
        _run.Ask("time/warp", "600000", "10000");
        Assert.Contains("DBG|PMD auto load balance performing dry run.", _run.Log, StringComparison.Ordinal);
        Assert.Matches("DBG.Numa node 0. Current variance [0-9]+ Estimated variance [0-9]+. Variance improvement [0-9]+%.", _run.Log);
        Assert.Contains("INFO|PMD auto load balance dry run. Requesting datapath reconfigure.", _run.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("NOT AVAIL", _run.Ask("dpif-netdev/pmd-rxq-show"), StringComparison.Ordinal);
        Set("pmd-rxq-assign=roundrobin");
        _run.Ask("time/warp", "600000", "10000");
        Assert.Contains("DBG|PMD auto load balance nothing to do, pmd-rxq-assign=roundrobin", _run.Log, StringComparison.Ordinal);
        Set("pmd-auto-lb=false");
        Assert.Contains("INFO|PMD auto load balance is disabled.", _run.Log, StringComparison.Ordinal);
    }

    private void Set(params string[] settings) => _run.Vsctl(["set", "Open_vSwitch", ".", .. settings.Select(static s => $"other_config:{s}")]);

    /// <summary>QUEUE&gt;CPU for all queues.</summary>
    private string Where()
    {
        List<string> found = [];
        string cpu = "";
        foreach (string line in _run.Ask("dpif-netdev/pmd-rxq-show").Split('\n'))
        {
            if (Regex.Match(line, "core_id ([0-9]+)") is { Success: true } thread) cpu = thread.Groups[1].Value;
            if (Regex.Match(line, "queue-id: +([0-9]+)") is { Success: true } queue) found.Add($"{queue.Groups[1].Value}>{cpu}");
        }

        return string.Join(' ', found.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Headers(string dump) => dump.Split('\n').Where(static l => l.StartsWith("flow-dump", StringComparison.Ordinal));
}
