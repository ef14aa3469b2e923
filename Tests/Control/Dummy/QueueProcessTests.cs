using Xunit;

namespace Mergeflow.Tests;

/// <summary><c>set_queue</c>, <c>enqueue</c> and <c>pop_queue</c> in the words of Open vSwitch, and the marks of queues.</summary>
public sealed class QueueProcessTests : IDisposable
{
    private const string Ping = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0xff,ttl=64,frag=no),icmp(type=8,code=0)";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public QueueProcessTests()
    {
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure",
            "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy",
            "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", $"options:tx_pcap={_run.Folder["p2.pcap"]}");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p2", StringComparison.Ordinal), "the ports are there");
    }

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("set_queue:1,2", "set(skb_priority(0x1)),2", true)]
    [InlineData("set_queue:0,2", "2", false)]
    [InlineData("set_queue:1,pop_queue,2", "2", false)]
    [InlineData("set_queue:1,2,set_queue:1,LOCAL,pop_queue,2", "set(skb_priority(0x1)),2,100,set(skb_priority(0)),2", true)]
    [InlineData("set_queue:70000,2", "2", false)]
    [InlineData("set_queue:1,2,set_queue:70000,2", "set(skb_priority(0x1)),2,set(skb_priority(0)),2", true)]
    public void Outputs_go_by_the_queue_that_was_set(string actions, string expected, bool isRead)
    {
        Assert.Equal("", _run.Ofctl("add-flow", "br0", $"actions={actions}"));
        string trace = _run.Ask("ofproto/trace", "ovs-dummy", Ping);
        Assert.EndsWith($"Datapath actions: {expected}\n", trace, StringComparison.Ordinal);
        Assert.Equal(isRead, trace.Contains("Megaflow: recirc_id=0,skb_priority=0,eth,ip,in_port=1,nw_frag=no\n", StringComparison.Ordinal));
    }

    [Fact]
    public void One_output_of_enqueue_goes_by_its_queue_and_those_behind_it_do_not()
    {
        Assert.Equal("", _run.Ofctl("add-flow", "br0", "actions=enqueue:2:5,LOCAL"));
        Assert.EndsWith("Datapath actions: set(skb_priority(0x5)),2,set(skb_priority(0)),100\n", _run.Ask("ofproto/trace", "ovs-dummy", Ping), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_comes_back_still_has_its_queue()
    {
        Assert.Equal("", _run.Ofctl("add-flow", "br0", "ip,actions=set_queue:3,ct(table=1)"));
        Assert.Equal("", _run.Ofctl("add-flow", "br0", "table=1,actions=set_queue:4,2,pop_queue,LOCAL"));
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        string flows = _run.Ask("dpctl/dump-flows");
        Assert.Contains("actions:set(skb_priority(0x3)),ct,recirc(", flows, StringComparison.Ordinal);
        Assert.Matches("skb_priority\\(0x3\\),.*recirc_id\\(0x[0-9a-f]+\\),.*actions:set\\(skb_priority\\(0x4\\)\\),2,set\\(skb_priority\\(0x3\\)\\),100", flows);
        Assert.Contains("skb_priority=0x7", _run.Ask("ofproto/trace", "br0", "in_port=1,skb_priority=7,ip"), StringComparison.Ordinal);
    }

    [Fact]
    public void IP_packets_of_a_queue_are_marked_at_its_port_alone()
    {
        _run.Server.Vsctl("set", "port", "p2", "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb", "queues:1=@a", "queues:2=@b", "--", "--id=@a", "create", "queue", "dscp=1", "--", "--id=@b", "create", "queue", "other-config:max-rate=1000000");
        Assert.Equal("", _run.Ofctl("add-flow", "br0", "actions=set_queue:1,LOCAL,2,set_queue:2,2"));
        Eventually.True(
            () => _run.Ask("ofproto/trace", "ovs-dummy", Ping).EndsWith("Megaflow: recirc_id=0,skb_priority=0,eth,ip,in_port=1,nw_tos=252,nw_frag=no\nDatapath actions: set(skb_priority(0x1)),100,set(ipv4(tos=0x4/0xfc)),2,set(ipv4(tos=0xfc/0xfc)),set(skb_priority(0x2)),2\n", StringComparison.Ordinal),
            "the mark is at p2");
        string arp = _run.Ask("ofproto/trace", "ovs-dummy", "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0806)");
        Assert.EndsWith("Datapath actions: set(skb_priority(0x1)),100,2,set(skb_priority(0x2)),2\n", arp, StringComparison.Ordinal);
    }
}
