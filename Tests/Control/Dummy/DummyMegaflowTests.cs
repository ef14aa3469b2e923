using Xunit;

namespace Mergeflow.Tests;

/// <summary>Megaflows and explanations of a switch without devices, where random pipelines had shown them to be others than those of Open vSwitch 3.1 (Tests/Live/ovsdiff.py).</summary>
public sealed class DummyMegaflowTests : IDisposable
{
    private const string Ethernet = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),";
    private const string Solicitation = "50540000000a50540000000986dd6000000000203afffe800000000000000000000000000001fe8000000000000000000000000000028700000000000000fe8000000000000000000000000000020101000000000001";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public DummyMegaflowTests()
    {
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy",
            "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p2", StringComparison.Ordinal), "the ports are there");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_tagged_frame_does_not_take_the_megaflow_of_an_untagged_one()
    {
        Receive("actions=move:NXM_OF_VLAN_TCI[14]->NXM_NX_REG0[0]", Udp(""), Udp("eth_type(0x8100),vlan(vid=10,pcp=0),encap("), Udp("eth_type(0x8100),vlan(vid=11,pcp=1),encap("));
        string[] flows = _run.Ask("dpctl/dump-flows").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, flows.Count(static f => f.StartsWith("recirc_id", StringComparison.Ordinal)));
        Assert.Contains(flows, static f => f.Contains("),eth_type(0x0800),ipv4(frag=no), packets:0,", StringComparison.Ordinal));
        Assert.Contains(flows, static f => f.Contains("),eth_type(0x8100),vlan(vid=10/0x0,pcp=0/0x2),encap(eth_type(0x0800),ipv4(frag=no)), packets:1,", StringComparison.Ordinal));
    }

    [Fact]
    public void Flags_are_those_of_the_packets_that_are_counted()
    {
        Receive("actions=2", Tcp("syn"), Tcp("ack"));
        Assert.Matches(@" packets:1, bytes:\d+, used:[^,]+, flags:\., actions:2", _run.Ask("dpctl/dump-flows"));
    }

    [Fact]
    public void What_a_neighbour_says_is_told_where_the_mask_knows_that_it_is_one()
    {
        Receive("icmp6,icmp_type=136,nd_tll=00:00:00:00:00:01/01:00:00:00:00:00,actions=drop", Solicitation);
        Assert.Contains("icmpv6(type=135/0xf8), packets:0,", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Receive("icmp6,icmp_type=135,icmp_code=0,nd_sll=00:00:00:00:00:01,actions=drop", Solicitation);
        Assert.Contains("icmpv6(type=135,code=0),nd(sll=00:00:00:00:00:01), packets:0,", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_load_of_all_bits_has_a_mask_where_they_do_not_fill_the_bytes()
    {
        (int code, _) = Ofctl("add-flow", "br0", "mpls,actions=load:5->OXM_OF_MPLS_LABEL[],load:7->NXM_NX_REG0[],set_field:9->mpls_label,load:1->NXM_OF_IN_PORT[10..13]");
        Assert.Equal(0, code);
        Assert.Contains("actions=set_field:5/0xfffff->mpls_label,set_field:0x7->reg0,set_field:9->mpls_label,set_field:1024/0x3c00->in_port", Ofctl("dump-flows", "br0").Text, StringComparison.Ordinal);
        Assert.Contains("set_field:5/0xfffff->mpls_label\n    set_field:0x7->reg0\n    set_field:9->mpls_label\n    set_field:1024/0x3c00->in_port\n", _run.Ask("ofproto/trace", "br0", "in_port=1,mpls"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_explanation_has_the_scores_of_buckets()
    {
        Assert.Equal(0, Ofctl("add-group", "br0", "group_id=1,type=select,selection_method=hash,fields(ip_src),bucket=bucket_id:3,weight:2,actions=2,bucket=bucket_id:4,weight:1,actions=1").Code);
        _run.Ofctl("add-flow", "br0", "actions=group:1");
        Assert.Matches("group:1\n     -> bucket 3: score \\d+\n     -> bucket 4: score \\d+\n     -> using bucket [34]\n", _run.Ask("ofproto/trace", "br0", "in_port=LOCAL,ip"));
    }

    private static string Udp(string tag) => $"{Ethernet}{tag}eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2){(tag.Length > 0 ? ")" : "")}";

    private static string Tcp(string flags) => $"{Ethernet}eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(src=1,dst=2),tcp_flags({flags})";

    private void Receive(string flow, params string[] frames)
    {
        _run.Ofctl("del-flows", "br0");
        _run.Ask("revalidator/purge");
        _run.Ofctl("add-flow", "br0", flow);
        foreach (string frame in frames) _run.Ask("netdev-dummy/receive", "p1", frame);
    }

    private (int Code, string Text) Ofctl(string command, string bridge, params string[] more)
    {
        using LiveProcess process = new("ovs-ofctl", ["-O", "OpenFlow15", command, $"unix:{_run.Folder[$"{bridge}.mgmt"]}", .. more]);
        return process.End(seconds: 60);
    }
}
