using Xunit;

namespace Mergeflow.Tests;

/// <summary>Neighbours behind ports without devices: asked for through the tables of the bridge below, and learned from what passes to its port; and what a datapath does without something that it can.</summary>
public sealed class DummyUnderlayTests : IDisposable
{
    private const string Ping = "in_port(3),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public DummyUnderlayTests()
    {
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "other-config:hwaddr=aa:55:aa:55:00:00",
            "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", $"options:tx_pcap={_run.Folder["p2.pcap"]}",
            "--", "add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy", "fail-mode=secure",
            "--", "add-port", "br1", "t1", "--", "set", "interface", "t1", "type=vxlan", "options:remote_ip=192.0.2.2", "options:key=7",
            "--", "add-port", "br1", "t2", "--", "set", "interface", "t2", "type=vxlan", "options:remote_ip=2001:db8::2", "options:key=7",
            "--", "add-port", "br1", "p3", "--", "set", "interface", "p3", "type=dummy");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p3", StringComparison.Ordinal), "the ports are there");
        _run.Ask("netdev-dummy/ip4addr", "br0", "192.0.2.1/24");
        _run.Ask("netdev-dummy/ip6addr", "br0", "2001:db8::1/64");
        _run.Ask("ovs/route/add", "192.0.2.0/24", "br0");
        _run.Ask("ovs/route/add", "2001:db8::/64", "br0");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_next_hop_is_asked_for_by_ARP_and_learned_from_the_reply()
    {
        _run.Ofctl("add-flow", "br1", "in_port=p3,actions=output:t1");
        _run.Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(1, _run.Frames("p2.pcap"));
        Assert.Contains("ffffffffffffaa55aa55000008060001080006040001aa55aa550000c0000201000000000000c0000202", _run.Hex("p2.pcap"), StringComparison.Ordinal);

        // A reply to somebody else, and a request of somebody about somebody else, teach nothing.
        Arp("192.0.2.2", "192.0.2.9", 2);
        Arp("192.0.2.2", "192.0.2.1", 1);
        Assert.DoesNotContain("192.0.2.2 ", _run.Ask("tnl/neigh/show"), StringComparison.Ordinal);
        Arp("192.0.2.2", "192.0.2.1", 2);
        Assert.Contains("192.0.2.2                                     02:00:00:00:00:22   br0\n", _run.Ask("tnl/neigh/show"), StringComparison.Ordinal);
        Arp("192.0.2.77", "192.0.2.77", 1);
        Assert.Contains("192.0.2.77 ", _run.Ask("tnl/neigh/show"), StringComparison.Ordinal);
        int before = _run.Frames("p2.pcap");
        _run.Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(before + 1, _run.Frames("p2.pcap"));
        _run.Server.Vsctl("del-br", "br0");
        Eventually.True(() => !_run.Ask("tnl/neigh/show").Contains("192.0.2.", StringComparison.Ordinal), "who was behind a port that is gone is forgotten");
    }

    [Fact]
    public void A_next_hop_is_asked_for_by_neighbour_discovery_and_learned_from_the_advertisement()
    {
        _run.Ofctl("add-flow", "br1", "in_port=p3,actions=output:t2");
        _run.Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(1, _run.Frames("p2.pcap"));
        Assert.Contains("3333ff000002aa55aa55000086dd6000000000203aff20010db8000000000000000000000001ff0200000000000000000001ff0000028700", _run.Hex("p2.pcap"), StringComparison.Ordinal);
        _run.Ask("netdev-dummy/receive", "p2", "in_port(2),eth(src=02:00:00:00:00:22,dst=aa:55:aa:55:00:00),eth_type(0x86dd),ipv6(src=2001:db8::2,dst=2001:db8::1,label=0,proto=58,tclass=0,hlimit=255,frag=no),icmpv6(type=136,code=0),nd(target=2001:db8::2,sll=00:00:00:00:00:00,tll=02:00:00:00:00:22)");
        Assert.Contains("2001:db8::2                                   02:00:00:00:00:22   br0\n", _run.Ask("tnl/neigh/show"), StringComparison.Ordinal);
        int before = _run.Frames("p2.pcap");
        _run.Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Equal(before + 1, _run.Frames("p2.pcap"));
    }

    [Fact]
    public void What_explains_a_packet_that_is_not_there_teaches_nothing()
    {
        string reply = "in_port=p2,arp,dl_src=02:00:00:00:00:22,dl_dst=aa:55:aa:55:00:00,arp_spa=192.0.2.2,arp_tpa=192.0.2.1,arp_op=2,arp_sha=02:00:00:00:00:22";
        _run.Ofctl("add-flow", "br0", "in_port=p2,actions=LOCAL");
        Assert.Contains("arp_sha=02:00:00:00:00:22", _run.Ask("ofproto/trace", "br0", reply), StringComparison.Ordinal);
        Assert.DoesNotContain("192.0.2.2 ", _run.Ask("tnl/neigh/show"), StringComparison.Ordinal);
        _run.Ask("ofproto/trace", "br0", reply, "-generate");
        _run.Ask("netdev-dummy/receive", "p3", Ping);
        Assert.Contains("192.0.2.2 ", _run.Ask("tnl/neigh/show"), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_clones_packets_are_copied_by_samples_and_without_these_not_at_all()
    {
        _run.Ofctl("add-flow", "br1", "in_port=p3,ip,actions=clone(ct(commit),IN_PORT),LOCAL");
        Assert.Contains("clone(ct(commit),", Actions(), StringComparison.Ordinal);
        _run.Ask("dpif/set-dp-features", "br1", "clone", "false");
        Assert.Contains("sample(sample=100.0%,actions(ct(commit),", Actions(), StringComparison.Ordinal);
        _run.Ask("dpif/set-dp-features", "br1", "sample_nesting", "3");
        Assert.DoesNotContain("ct(", Actions(), StringComparison.Ordinal);
        _run.Ask("dpif/set-dp-features", "br1", "clone", "true");
        Assert.Contains("clone(ct(commit),", Actions(), StringComparison.Ordinal);

        string Actions() => _run.Ask("ofproto/trace", "br1", "in_port=p3,ip").Split('\n').First(static l => l.StartsWith("Datapath actions: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_a_label_that_is_popped_only_the_end_of_the_stack_is_read()
    {
        _run.Ofctl("add-flow", "br1", "in_port=p3,mpls,actions=pop_mpls:0x8847,LOCAL");
        _run.Ask("netdev-dummy/receive", "p3", "505400000007 606666666600 8847 00014020 00014120 4500002c00000000400600000a0000010a000002");
        Assert.Contains("mpls(label=20/0x0,tc=0/0,ttl=32/0x0,bos=0/1,label=20/0xfffff,tc=0/7,ttl=32/0xff,bos=1/1)", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
    }

    [Fact]
    public void Routes_of_the_kernel_are_known_unless_they_are_not_wanted()
    {
        Eventually.True(() => _run.Ask("ovs/route/show").Contains("Cached: 127.0.0.1/32 dev lo SRC 127.0.0.1 local\n", StringComparison.Ordinal), "the loopback's route is there");
        using VswitchdRun without = new("--enable-dummy", "--disable-system", "--disable-system-route");
        without.Start();
        without.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy");
        Eventually.True(() => without.Server.Vsctl("get", "interface", "p1", "mac_in_use").Trim('\n') == "\"aa:55:aa:55:00:02\"", "the second port has the third address");
        without.Ask("netdev-dummy/ip4addr", "br0", "192.0.2.1/24");
        without.Ask("ovs/route/add", "192.0.2.0/24", "br0");
        Assert.Equal("Route Table:\nUser: 192.0.2.0/24 dev br0 SRC 192.0.2.1\n", without.Ask("ovs/route/show"));
    }

    private void Arp(string sender, string target, int operation)
        => _run.Ask("netdev-dummy/receive", "p2", $"in_port(2),eth(src=02:00:00:00:00:22,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0806),arp(sip={sender},tip={target},op={operation},sha=02:00:00:00:00:22,tha=00:00:00:00:00:00)");
}
