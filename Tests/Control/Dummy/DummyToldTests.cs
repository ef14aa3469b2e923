using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a switch without devices tells of its flows, in its log and to <c>ovs-ofctl</c>.</summary>
public sealed class DummyToldTests : IDisposable
{
    private const string Ping = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=\n1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public DummyToldTests()
    {
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy",
            "--", "add-port", "br0", "t1", "--", "set", "interface", "t1", "type=geneve", "options:remote_ip=1.1.1.1", "options:key=flow");
        Eventually.True(() => _run.Ask("dpif/show").Contains("t1", StringComparison.Ordinal), "the ports are there");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void An_enqueue_is_three_actions_for_versions_that_have_none()
    {
        Ofctl("OpenFlow10", "add-flow", "br0", "actions=enqueue:123:456");
        Assert.Contains("actions=set_queue:456,output:123,pop_queue", _run.Ofctl("dump-flows", "br0"), StringComparison.Ordinal);
        Assert.Contains("actions=enqueue:123:456", Ofctl("OpenFlow10", "dump-flows", "br0").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_that_is_longer_than_a_message_is_left_out_and_the_connection_goes_on()
    {
        string file = _run.Folder.Write("flows.txt", "priority=9,icmp actions=" + string.Join(',', Enumerable.Repeat("dec_ttl,resubmit(,39)", 2046)) + "\npriority=8,ip actions=drop\n");
        Ofctl("OpenFlow15", "add-flows", "br0", file);
        (int code, string text) = Ofctl("OpenFlow10", "dump-flows", "br0");
        Assert.Equal(0, code);
        Assert.DoesNotContain("priority=9", text, StringComparison.Ordinal);
        Assert.Contains("priority=8,ip", text, StringComparison.Ordinal);
        Assert.Contains("Flow exceeded the maximum flow statistics reply size and was excluded from the response set", _run.Log, StringComparison.Ordinal);
        Assert.Contains("priority=9", Ofctl("OpenFlow15", "dump-flows", "br0").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_that_is_added_again_was_used_when_it_was_used()
    {
        _run.Ask("time/stop");
        _run.Ofctl("add-flow", "br0", "ip,actions=drop");
        _run.Ask("time/warp", "5000");
        Ofctl("OpenFlow10", "add-flow", "br0", "ip,actions=drop");
        Assert.Contains("idle_age=5,", Ofctl("OpenFlow10", "dump-flows", "br0").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_option_is_matched_and_stays_while_a_flow_refers_to_it()
    {
        Assert.Contains("NXFMFC_INVALID_TLV_FIELD", Ofctl("OpenFlow10", "add-flow", "br0", "tun_metadata0=0xb,actions=1").Text, StringComparison.Ordinal);
        Ofctl("OpenFlow10", "add-tlv-map", "br0", "{class=0xffff,type=0,len=4}->tun_metadata0");
        Assert.Equal(0, Ofctl("OpenFlow10", "add-flow", "br0", "tun_metadata0=0xb/0xf,actions=1").Code);
        Assert.Contains("tun_metadata0=0xb/0xf actions=output:1", Ofctl("OpenFlow10", "dump-flows", "br0").Text, StringComparison.Ordinal);
        Assert.Contains("Datapath actions: 1", Trace("tun_metadata0=0x1b"), StringComparison.Ordinal);
        Assert.Contains("Datapath actions: drop", Trace("tun_metadata0=0xa"), StringComparison.Ordinal);
        Assert.Contains("NXTTMFC_INVALID_TLV_DEL", Ofctl("OpenFlow10", "del-tlv-map", "br0").Text, StringComparison.Ordinal);
        _run.Ofctl("del-flows", "br0");
        Assert.Equal(0, Ofctl("OpenFlow10", "del-tlv-map", "br0").Code);

        string Trace(string option) => _run.Ask("ofproto/trace", "ovs-dummy", $"recirc_id(0),tunnel(tun_id=0x0,src=1.1.1.1,dst=1.1.1.2,ttl=64,geneve({{class=0xffff,type=0,len=4,{option["tun_metadata0=".Length..]}}}),flags(df|key)),in_port(6081),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x0800),ipv4(frag=no)");
    }

    [Fact]
    public void Flushes_and_dumps_are_in_the_log_for_who_asks()
    {
        _run.Ask("vlog/set", "ct_dpif:file:dbg");
        _run.Ask("vlog/set", "dpif:file:dbg");
        _run.Ofctl("ct-flush-zone", "br0", "123");
        Eventually.True(() => _run.Log.Contains("dummy@ovs-dummy: ct_flush: zone 123", StringComparison.Ordinal), "the flush is told");
        _run.Ofctl("add-flow", "br0", "actions=drop");
        _run.Ask("netdev-dummy/receive", "p1", Ping);
        _run.Ask("revalidator/wait");
        Assert.DoesNotContain("flow_dump", _run.Log, StringComparison.Ordinal);
        _run.Ask("upcall/disable-ufid");
        _run.Ask("revalidator/wait");
        Assert.Matches("dummy@ovs-dummy: flow_dump ufid:[0-9a-f-]{36} skb_priority\\(0/0\\),.*ipv4\\(src=10.0.0.2/0.0.0.0.*, packets:0, bytes:0, used:never, actions:drop", _run.Log);
    }

    [Fact]
    public void What_meters_drop_is_counted()
    {
        _run.Ask("time/stop");
        _run.Ofctl("add-meter", "br0", "meter=1,pktps,bands=type=drop,rate=1");
        _run.Ofctl("add-flow", "br0", "actions=meter:1,LOCAL");
        Assert.Equal("0\n", _run.Ask("coverage/read-counter", "datapath_drop_meter"));
        for (int i = 0; i < 5; i++) _run.Ask("netdev-dummy/receive", "p1", Ping);
        string told = _run.Ofctl("meter-stats", "br0", "meter=1");
        Assert.Matches("packet_count:[1-4] ", told);
        Assert.Contains($"packet_count:{_run.Ask("coverage/read-counter", "datapath_drop_meter").TrimEnd('\n')} ", told, StringComparison.Ordinal);
    }

    private (int Code, string Text) Ofctl(string version, string command, string bridge, params string[] more)
    {
        using LiveProcess process = new("ovs-ofctl", ["-O", version, command, $"unix:{_run.Folder[$"{bridge}.mgmt"]}", .. more]);
        return process.End(seconds: 60);
    }
}
