using Xunit;

namespace Mergeflow.Tests;

/// <summary>Megaflows that are put in by hand: what they say is carried out as it stands, or refused.</summary>
public sealed class GivenMegaflowTests
{
    private const string Ip = "in_port(1),eth_type(0x0800),ipv4(frag=no)";
    private const string Tcp = "in_port(1),eth_type(0x0800),ipv4(proto=6,frag=no)";

    private static readonly PortNames s_ports = new(new Dictionary<string, uint> { ["p1"] = 1 });

    [Theory]
    [InlineData("in_port(p1),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.0/255.0.0.0,frag=no)", "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.0/255.0.0.0,frag=no)")]
    [InlineData("recirc_id(0x7),in_port(1),eth(src=00:00:00:00:00:01),eth_type(0x1234)", "recirc_id(0x7),in_port(1),eth(src=00:00:00:00:00:01),eth_type(0x1234)")]
    [InlineData("in_port(1),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0806))", "recirc_id(0),in_port(1),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0806))")]
    [InlineData("in_port(1),eth()", "recirc_id(0),in_port(1),eth_type(0/0xffff)")]
    public void A_key_matches_what_it_names(string text, string shown)
    {
        DpFlow flow = DpFlowParser.ParseGiven(text, s_ports);
        Assert.Equal(shown, DpFlowFormatter.FormatKey(flow.Value, flow.Mask, hasPacketType: false));
    }

    [Theory]
    [InlineData("in_port(9x)")]
    [InlineData("in_port=1")]
    [InlineData("in_port(1),tunnel(dst=1.1.1.1)")]
    [InlineData("in_port(1),skb_priority(7)")]
    [InlineData("in_port(1),eth_type(0x0800),ct_tuple4(src=1.1.1.1)")]
    [InlineData("in_port(1),eth_type(0x8847),mpls(label=100,tc=0,ttl=64,bos=1)")]
    [InlineData("in_port(1),none(2)")]
    [InlineData("in_port(1),eth_type(0x8100)")]
    [InlineData("in_port(1),eth_type(0x8100),encap(eth_type(0x0800))")]
    [InlineData("in_port(1),eth_type(0x88a8),vlan(vid=5,pcp=0),encap(eth_type(0x8100))")]
    [InlineData("in_port(1),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800),ct_tuple4(src=1.1.1.1))")]
    public void A_key_that_no_megaflow_matches_is_refused(string text) => Assert.Throws<FlowTextException>(() => DpFlowParser.ParseGiven(text, s_ports));

    [Fact]
    public void A_tunnel_has_as_many_members_as_a_message_has_room_for()
    {
        const string member = "dst=1.1.1.1";
        FlowTextTooLongException e = Assert.Throws<FlowTextTooLongException>(() => Parse(8192));
        Assert.StartsWith("syntax error at tunnel(dst=1.1.1.1,", e.Message, StringComparison.Ordinal);
        Assert.Throws<FlowTextException>(() => Parse(8191));

        static DpFlow Parse(int count) => DpFlowParser.ParseGiven($"tunnel({string.Join(',', Enumerable.Repeat(member, count))})", s_ports);
    }

    [Theory]
    [InlineData(Ip, "2")]
    [InlineData(Ip, "drop")]
    [InlineData(Ip, "set(ipv4(ttl=3)),clone(push_vlan(vid=3,pcp=0),5),recirc(0x7)")]
    [InlineData(Ip, "ct(commit,zone=5),recirc(0x7)")]
    [InlineData(Tcp, "set(tcp(dst=80)),set(eth(src=00:00:00:00:00:01)),3")]
    [InlineData("in_port(1),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800),ipv4(frag=no))", "pop_vlan,set(ipv4(ttl=3)),2")]
    public void Actions_print_again(string key, string actions) => Assert.Equal(actions, DpFlowFormatter.FormatActions(DpFlowParser.ParseGivenActions(actions, DpFlowParser.ParseGiven(key, s_ports))));

    [Theory]
    [InlineData(Ip, "p2")]
    [InlineData(Ip, "")]
    [InlineData(Ip, "pop_vlan")]
    [InlineData(Ip, "set(vlan(vid=5,pcp=0))")]
    [InlineData(Ip, "push_vlan(vid=1,pcp=0),push_vlan(vid=1,pcp=0),push_vlan(vid=1,pcp=0)")]
    [InlineData(Ip, "clone(pop_vlan,2)")]
    [InlineData(Ip, "set(tcp(dst=80))")]
    [InlineData(Ip, "set(ipv6(hlimit=3))")]
    [InlineData("in_port(1),eth_type(0x1234)", "set(ipv4(ttl=3))")]
    [InlineData("in_port(1),eth_type(0x1234)", "ct(zone=5)")]
    [InlineData("in_port(1),eth_type(0x0800),ipv4(proto=6)", "set(tcp(dst=80))")]
    [InlineData(Ip, "ct(nat(src=1.1.1.1))")]
    [InlineData(Ip, "ct(timeout=x)")]
    [InlineData(Ip, "ct(timeout)")]
    [InlineData(Ip, "clone(ct(commit,timeout(x)))")]
    [InlineData(Ip, "ct(commit,helper=sip)")]
    [InlineData(Ip, "meter(1)")]
    [InlineData(Ip, "userspace(pid=0)")]
    [InlineData(Ip, "sample(sample=50%,actions(2))")]
    [InlineData(Ip, "set(tunnel(dst=1.1.1.1))")]
    public void Actions_that_cannot_be_carried_out_are_refused(string key, string actions)
    {
        DpFlow flow = DpFlowParser.ParseGiven(key, s_ports);
        Assert.Throws<FlowTextException>(() => DpFlowParser.ParseGivenActions(actions, flow));
    }

    [Theory]
    [InlineData("ct(commit,helper=sip),2", "`ct(helper=sip)': cannot be put in by hand")]
    [InlineData("ct(commit,timeout=x),2", "`timeout': cannot be put in by hand")]
    public void What_is_refused_is_named(string actions, string reason)
    {
        DpFlow flow = DpFlowParser.ParseGiven(Ip, s_ports);
        Assert.Equal(reason, Assert.Throws<FlowTextException>(() => DpFlowParser.ParseGivenActions(actions, flow)).Message);
    }

    [Fact]
    public void A_helper_of_a_dump_that_no_connection_here_has_is_no_other_one()
    {
        DpFlow flow = Assert.Single(new DpFlowParser().Parse("recirc_id(0),in_port(1),eth_type(0x0800),ipv4(frag=no), packets:0, bytes:0, used:never, actions:ct(commit,helper=sip),2"));
        Assert.Equal((DpOp.Userspace, "ct(helper=sip)"), (flow.Actions[0].Op, flow.ForeignAction));
    }
}
