using Xunit;

namespace Mergeflow.Tests;

/// <summary>Wrong text is refused with the place and with Open vSwitch's words (tests/ofp-actions.at, tests/ovs-ofctl.at).</summary>
public sealed class FlowTextErrorTests
{
    [Theory]
    [InlineData("output(port=xyzzy,max_len=5)", 21, "output to unknown truncate port: xyzzy")]
    [InlineData("output(port=all,max_len=64)", 21, "output to unsupported truncate port: all")]
    [InlineData("output(port=local,max_len=64,foo=bar)", 38, "invalid key 'foo' in output_trunc argument")]
    [InlineData("output(port=local,max_len=5)", 35, "max_len 5 is less than the minimum value 14")]
    [InlineData("controller(foo=bar)", 20, "unknown key \"foo\" parsing controller action")]
    [InlineData("mod_vlan_vid:6000", 22, "6000: not a valid VLAN VID")]
    [InlineData("mod_vlan_pcp:8", 22, "8: not a valid VLAN PCP")]
    [InlineData("push_vlan(0x1234)", 19, "0x1234: not a valid VLAN ethertype")]
    [InlineData("mod_nw_tos(1)", 20, "1: not a valid TOS")]
    [InlineData("mod_nw_ecn(5)", 20, "5: not a valid ECN")]
    [InlineData("set_field:1", 19, "1: missing `->'")]
    [InlineData("set_field:1->", 20, "1->: missing field name following `->'")]
    [InlineData("set_field:1->x", 22, "x is not a valid OXM field name")]
    [InlineData("set_field:1->eth_type", 22, "eth_type is read-only")]
    [InlineData("set_field:1->eth_src", 19, "1: invalid Ethernet address")]
    [InlineData("set_field:0xffff->ip_dscp", 19, "0xffff: value too large for 1-byte field ip_dscp")]
    [InlineData("set_field:0xff->ip_dscp", 19, "0xff is not a valid value for field ip_dscp")]
    [InlineData("load:xyzzy->eth_src", 14, "xyzzy->eth_src: cannot parse integer value")]
    [InlineData("load:0xff->eth_src[1..5]", 14, "0xff->eth_src[1..5]: value 0xff does not fit into 5 bits")]
    [InlineData("load:1->reg0[40]", 21, "reg0[40]: starting bit 40 is not valid because field is only 32 bits wide")]
    [InlineData("load:1->reg0[3..2]", 21, "reg0[3..2]: starting bit 3 is after ending bit 2")]
    [InlineData("load:1->reg0[x]", 21, "reg0[x]: syntax error expecting [] or [<bit>] or [<start>..<end>]")]
    [InlineData("move:reg0[]->reg1[0..3]", 9, "reg0[]->reg1[0..3]: source field is 32 bits wide but destination is 4 bits wide")]
    [InlineData("move:reg0[]", 20, "reg0[]: missing `->' following source")]
    [InlineData("push(eth_dst[]x)", 23, "x: trailing garbage following push or pop")]
    [InlineData("dec_ttl(,)", 17, "dec_ttl_cnt_ids: expected at least one controller id.")]
    [InlineData("set_mpls_label", 9, "set_mpls_label: expected label.")]
    [InlineData("set_mpls_label(0x100000)", 24, "0x100000: not a valid MPLS label")]
    [InlineData("set_mpls_tc(8)", 21, "8: not a valid MPLS TC")]
    [InlineData("resubmit(asdf)", 18, "asdf: resubmit to unknown port")]
    [InlineData("resubmit(,asdf)", 19, "asdf: resubmit to unknown table")]
    [InlineData("resubmit(1,2,xyzzy)", 22, "xyzzy: unknown parameter")]
    [InlineData("resubmit(in_port,255)", 9, "at least one \"in_port\" or \"table\" must be specified on resubmit")]
    [InlineData("conjunction(1, 1/1)", 21, "conjunction must have at least 2 clauses")]
    [InlineData("conjunction(1, 1/65)", 21, "conjunction must have at most 64 clauses")]
    [InlineData("conjunction(1, 0/2)", 21, "clause index must be positive")]
    [InlineData("conjunction(1, 3/2)", 21, "clause index must be less than or equal to number of clauses")]
    [InlineData("note:x", 14, "bad hex digit in `note' argument")]
    [InlineData("ct(table=asdf)", 18, "unknown table asdf")]
    [InlineData("ct(table=255)", 18, "invalid table 0xff")]
    [InlineData("ct(foo=bar)", 12, "invalid argument to \"ct\" action: `foo'")]
    [InlineData("ct(force)", 9, "\"force\" flag requires \"commit\" flag.")]
    [InlineData("ct(commit", 11, "ct: missing `)'")]
    [InlineData("nat(src=1.2.3.4x)", 24, "garbage (x) after nat range \"1.2.3.4x\" (pos: 7)")]
    [InlineData("nat(src=1.2.3.4-0.1.2.3)", 17, "invalid nat range \"1.2.3.4-0.1.2.3\"")]
    [InlineData("nat(foo=bar)", 13, "invalid key \"foo\" in \"nat\" argument")]
    [InlineData("nat(src=1.2.3.4,dst=2.3.4.5)", 9, "May only specify one of \"src\" or \"dst\".")]
    [InlineData("nat(persistent)", 9, "Flags allowed only with \"src\" or \"dst\".")]
    [InlineData("nat(src=1.2.3.4,hash,random)", 9, "Both \"hash\" and \"random\" are not allowed.")]
    [InlineData("nat", 9, "Cannot have NAT action outside of \"ct\" action")]
    [InlineData("check_pkt_larger(1500)->reg0", 33, "Only 1-bit destination field is allowed")]
    [InlineData("goto_table:asdf", 20, "unknown table \"asdf\"")]
    [InlineData("set_field:1234->ct_mark", 9, "cannot set CT fields outside of ct action")]
    [InlineData("ct(commit,exec(push_vlan(0x8100)))", 24, "ct action doesn't support nested action push_vlan")]
    [InlineData("ct(commit,exec(set_field:12:34:56:78:9a:bc->eth_dst))", 24, "ct action doesn't support nested modification of eth_dst")]
    [InlineData("conjunction(1, 2/3),ct_clear", 29, "\"conjunction\" actions may be used along with \"note\" but not any other kind of action (such as the \"ct_clear\" action used here)")]
    [InlineData("goto_table:5,goto_table:5", 22, "duplicate goto_table instruction not allowed, for OpenFlow 1.1+ compatibility")]
    [InlineData("goto_table:5,clone()", 22, "invalid instruction ordering: apply_actions must appear before goto_table, for OpenFlow 1.1+ compatibility")]
    [InlineData("apply_actions", 9, "apply_actions is the default instruction")]
    [InlineData("xyzzy", 9, "unknown action xyzzy")]
    [InlineData("drop,3", 9, "\"drop\" must not be accompanied by any other action or instruction")]
    [InlineData("meter:0", 15, "0: invalid meter (OFPMMFC_INVALID_METER)")]
    [InlineData("output:70000", 16, "70000: output to unknown port")]
    public void Bad_action_names_place_and_reason(string actions, int column, string message)
    {
        var e = Assert.Throws<FlowTextException>(() => new FlowTextParser().ParseFlow("actions=" + actions));
        Assert.Equal(message, e.Message);
        Assert.Equal((1, column), (e.Line, e.Column));
    }

    [Theory]
    [InlineData("tun_tos=1/1", "1/1: invalid mask for field tun_tos")]
    [InlineData("eth_type=0x1234/0x1", "0x1234/0x1: invalid mask for field eth_type")]
    [InlineData("dl_vlan=9/0x1", "9/0x1: invalid mask for field dl_vlan")]
    [InlineData("mpls,mpls_label=5/0x1", "5/0x1: invalid mask for field mpls_label")]
    [InlineData("ip,nw_proto=1/1", "1/1: invalid mask for field nw_proto")]
    [InlineData("ip,nw_tos=0xf0/0xf0", "0xf0/0xf0: invalid mask for field nw_tos")]
    [InlineData("arp,arp_op=0/1", "0/1: invalid mask for field arp_op")]
    [InlineData("icmp,icmp_type=1/1", "1/1: invalid mask for field icmp_type")]
    [InlineData("ct_zone=5/0xff", "5/0xff: invalid mask for field ct_zone")]
    [InlineData("ip,nw_src=1.2.3", "1.2.3: invalid IP address")]
    [InlineData("ip,nw_src=1.2.3.4/33", "1.2.3.4/33: IPv4 network prefix bits not between 0 and 32, inclusive")]
    [InlineData("ipv6,ipv6_src=::/129", "::/129: IPv6 network prefix bits not between 0 and 128, inclusive")]
    [InlineData("ipv6,ipv6_src=g::1", "g::1: invalid IPv6 address")]
    [InlineData("dl_src=00:00:00:00:00", "00:00:00:00:00: invalid Ethernet address")]
    [InlineData("reg0=0x100000000", "0x100000000: value too large for 4-byte field reg0")]
    [InlineData("reg0=1/x", "1/x: bad syntax for reg0 mask")]
    [InlineData("reg0=x", "x: bad syntax for reg0 value")]
    [InlineData("reg0[0..3]=16", "reg0[0..3]: value 16 does not fit into 4 bits")]
    [InlineData("ct_state=+foo", "foo: unknown ct_state flag(s)")]
    [InlineData("ct_state=+trk+trk", "trk: Each ct_state flag can be specified only once")]
    [InlineData("tcp,tcp_flags=0x1000/0x1000", "0x1000/0x1000: unknown TCP flag(s)")]
    [InlineData("ip,ip_frag=maybe", "maybe: unknown fragment type (valid types are \"no\", \"yes\", \"first\", \"later\", \"not_later\")")]
    [InlineData("in_port=p9", "p9: invalid or unknown port for in_port")]
    [InlineData("table=256", "unknown table \"256\"")]
    [InlineData("priority=65536", "invalid priority \"65536\"")]
    [InlineData("idle_timeout=-1", "invalid idle_timeout \"-1\"")]
    [InlineData("idle_timeout=340282366920938463463374607431768211461", "invalid idle_timeout \"340282366920938463463374607431768211461\"")]
    [InlineData("cookie=1/2", "flow additions cannot use a cookie mask")]
    [InlineData("out_port=1", "unknown keyword out_port")]
    [InlineData("table", "field table missing value")]
    [InlineData("foo=1", "unknown keyword foo")]
    [InlineData("foo", "unknown keyword foo")]
    [InlineData("ct_nw_src=1.2.3.4,ip", "ct_nw_* and ct_tp_* require ct_state with +new, +est, +rel, +rpl, +snat, +dnat or +trk-inv (OFPBMC_BAD_PREREQ)")]
    public void Bad_match_names_reason(string match, string message)
    {
        var e = Assert.Throws<FlowTextException>(() => new FlowTextParser().ParseFlow(match + " actions=drop"));
        Assert.Equal(message, e.Message);
    }

    [Theory]
    [InlineData("ct(commit)", "ct needs ip or ipv6")]
    [InlineData("dec_ttl", "dec_ttl needs ip or ipv6")]
    [InlineData("mod_nw_src:1.2.3.4", "mod_nw_src needs ip")]
    [InlineData("mod_tp_dst:80", "mod_tp_dst needs tcp, udp or sctp")]
    [InlineData("pop_vlan", "pop_vlan needs a VLAN tag")]
    [InlineData("set_vlan_vid:5", "set_vlan_vid needs a VLAN tag")]
    [InlineData("set_field:0x1005->vlan_vid", "set_field vlan_vid lacks correct prerequisites (needs a VLAN tag)")]
    [InlineData("push_vlan:0x8100,pop_vlan,pop_vlan", "pop_vlan needs a VLAN tag")]
    [InlineData("set_field:1.2.3.4->ip_src", "set_field field ip_src lacks correct prerequisites (needs ip)")]
    [InlineData("move:NXM_OF_TCP_SRC[]->NXM_NX_REG0[0..15]", "source field tcp_src lacks correct prerequisites (needs tcp or tcp6)")]
    [InlineData("dec_mpls_ttl", "dec_mpls_ttl needs mpls or mplsm")]
    public void Actions_need_their_protocol(string actions, string what)
    {
        var e = Assert.Throws<FlowTextException>(() => new FlowTextParser().ParseFlow("actions=" + actions));
        Assert.Equal($"actions are invalid with specified match (OFPBAC_MATCH_INCONSISTENT): {what}", e.Message);
    }

    [Theory]
    [InlineData("ip actions=push_mpls:0x8847,dec_ttl")]
    [InlineData("tcp,nw_frag=later actions=mod_tp_dst:80")]
    [InlineData("ip,ct_state=+trk+inv actions=ct(commit)")]
    [InlineData("udp actions=ct(commit,alg=ftp)")]
    [InlineData("ip actions=ct(commit,nat(src=fd00::1))")]
    [InlineData("ip actions=ct(nat(src=1.2.3.4))")]
    [InlineData("ip actions=ct(zone=NXM_NX_REG0[0..7])")]
    [InlineData("table=3 actions=goto_table:3")]
    [InlineData("table=3 actions=goto_table:255")]
    [InlineData("actions=push_vlan:0x8100,push_vlan:0x8100,push_vlan:0x8100")]
    [InlineData("icmp6,icmp_type=135 actions=set_field:00:00:00:00:00:01->nd_tll")]
    [InlineData("actions=set_field:02:00:00:00:00:01/ff:00:00:00:00:00->eth_src")]
    [InlineData("ip actions=set_field:10.0.0.1/8->ip_src")]
    [InlineData("ip actions=load:0x2->NXM_OF_IP_TOS[]")]
    [InlineData("dl_vlan=5 actions=load:0x1->OXM_OF_VLAN_VID[]")]
    [InlineData("actions=controller(reason=because)")]
    [InlineData("actions=write_actions(pop_queue)")]
    [InlineData("mpls actions=decap,decap,set_field:10.0.0.1->ip_dst")]
    [InlineData("ip actions=encap(mpls),set_field:10.0.0.1->ip_dst")]
    [InlineData("actions=encap()")]
    [InlineData("actions=encap(gre)")]
    [InlineData("actions=encap(mpls(ether_type=1))")]
    [InlineData("actions=decap(packet_type(ns=4,type=0))")]
    [InlineData("actions=decap(packet_type(ns=0))")]
    [InlineData("actions=decap(foo=bar)")]
    public void Other_inconsistencies_are_refused(string flow)
        => Assert.Throws<FlowTextException>(() => new FlowTextParser { TakesLayers = true }.ParseFlow(flow));

    [Theory]
    [InlineData("actions=encap(nsh)", 9)]
    [InlineData("actions=encap(mpls)", 9)]
    [InlineData("actions=output:1,decap(packet_type(ns=0,type=0))", 18)]
    [InlineData("actions=delete_field:tun_metadata0", 9)]
    [InlineData("tun_metadata0=1 actions=drop", 1)]
    [InlineData("ip,nsh_ttl=1 actions=drop", 4)]
    public void What_is_not_implemented_is_told_apart(string flow, int column)
    {
        var e = Assert.Throws<UnsupportedFeatureException>(() => new FlowTextParser().ParseFlow(flow, lineNumber: 7));
        Assert.Equal((7, column), (e.Line, e.Column));
    }

    [Theory]
    [InlineData("type=all,bucket=output:1", "must specify a group_id")]
    [InlineData("group_id=1,bucket=output:1", "must specify a type")]
    [InlineData("group_id=1,type=any", "invalid group type any")]
    [InlineData("group_id=1,type=indirect,bucket=output:1,bucket=output:2", "Indirect groups can have at most one bucket.")]
    [InlineData("group_id=1,type=all,bucket=weight:5,output:1", "Only select groups can have bucket weights.")]
    [InlineData("group_id=1,type=ff,bucket=output:1", "fast failover bucket requires watch_port or watch_group")]
    [InlineData("group_id=1,type=select,bucket=weight:5", "bucket must specify actions")]
    [InlineData("group_id=1,type=select,fields(ip_src),bucket=output:1", "fields may only be specified with \"selection_method=hash\"")]
    [InlineData("group_id=1,type=select,bucket=actions=clear_actions", "clear_actions instruction not allowed here")]
    [InlineData("group_id=1,type=all,foo=1", "unknown keyword foo")]
    [InlineData("delete group_id=1,type=all", "type is not needed")]
    public void Bad_group_names_reason(string group, string message)
    {
        var e = Assert.Throws<FlowTextException>(() => new FlowTextParser().ParseGroup(group));
        Assert.Equal(message, e.Message);
    }

    [Fact]
    public void File_names_the_line_and_yields_nothing()
    {
        const string Text = "# comment\n\ntcp actions=output:1 # fine\n  udp,tp_dst=x actions=drop\n";
        var e = Assert.Throws<FlowTextException>(() => new FlowTextParser().ParseFlows(Text));
        Assert.Equal((4, 14), (e.Line, e.Column));
        Assert.Equal("line 4, column 14: x: bad syntax for tcp_dst value", e.ToString());
    }
}
