using Xunit;

namespace Mergeflow.Tests;

/// <summary>What is printed is what Open vSwitch prints for the same flow (tests/ovs-ofctl.at).</summary>
public sealed class FlowTextFormatTests
{
    private static readonly PortNames s_ports = new(new Dictionary<string, uint> { ["p1"] = 1, ["p2"] = 2, ["ct 5"] = 5 });

    [Theory]
    [InlineData("tcp,tp_src=123,actions=flood", "tcp,tp_src=123 actions=FLOOD")]
    [InlineData("in_port=LOCAL dl_vlan=9 dl_src=00:0A:E4:25:6B:B0 actions=drop", "in_port=LOCAL,dl_vlan=9,dl_src=00:0a:e4:25:6b:b0 actions=drop")]
    [InlineData("udp dl_vlan_pcp=7 idle_timeout=5 actions=strip_vlan output:0", "idle_timeout=5,udp,dl_vlan_pcp=7 actions=pop_vlan,output:0")]
    [InlineData("actions=controller(userdata=01.0203,reason=no_match,id=5,max_len=9)", "actions=controller(reason=no_match,max_len=9,id=5,userdata=01.02.03)")]
    [InlineData("cookie=0x123456789abcdef hard_timeout=10 priority=60000 actions=controller", "cookie=0x123456789abcdef,hard_timeout=10,priority=60000 actions=CONTROLLER:65535")]
    [InlineData("actions=note:41.42.43,note:00.01.02.03.04.05.06.07,note", "actions=note:41.42.43,note:00.01.02.03.04.05.06.07,note:")]
    [InlineData("ip,actions=set_field:10.4.3.77->ip_src,mod_nw_ecn:2", "ip actions=set_field:10.4.3.77->ip_src,mod_nw_ecn:2")]
    [InlineData("in_port=0 actions=resubmit:0", "in_port=0 actions=resubmit:0")]
    [InlineData("actions=resubmit:1,resubmit(2),resubmit(,3),resubmit(2,3)", "actions=resubmit:p1,resubmit:p2,resubmit(,3),resubmit(p2,3)")]
    [InlineData("actions=in_port,output:in_port", "actions=IN_PORT,IN_PORT")]
    [InlineData("tcp,tp_src[5]=1,actions=flood", "tcp,tp_src=0x20/0x20 actions=FLOOD")]
    [InlineData("tcp,tp_src[6..10]=19,actions=flood", "tcp,tp_src=0x4c0/0x7c0 actions=FLOOD")]
    [InlineData("tcp,tp_src=0x1230/0xfff0,tun_id=0x1234,cookie=0x5678,actions=flood", "cookie=0x5678,tcp,tun_id=0x1234,tp_src=0x1230/0xfff0 actions=FLOOD")]
    [InlineData("actions=set_tunnel:0x1234,set_tunnel64:0x9876,set_tunnel:0x123456789", "actions=set_tunnel:0x1234,set_tunnel64:0x9876,set_tunnel64:0x123456789")]
    [InlineData("metadata=0x1234ffff5678ffff/0xffff0000ffff0000,actions=drop", "metadata=0x1234000056780000/0xffff0000ffff0000 actions=drop")]
    [InlineData("send_flow_rem,actions=output:1,output:NXM_NX_REG0,output:2,output:reg1[16..31],output:3", "send_flow_rem actions=output:p1,output:NXM_NX_REG0[],output:p2,output:NXM_NX_REG1[16..31],output:3")]
    [InlineData("mpls,mpls_label=5,mpls_tc=1,mpls_ttl=1,mpls_bos=0,actions=drop", "mpls,mpls_label=5,mpls_tc=1,mpls_ttl=1,mpls_bos=0 actions=drop")]
    [InlineData("ip,actions=ct(commit,exec(load(1->NXM_NX_CT_MARK[])))", "ip actions=ct(commit,exec(load:0x1->NXM_NX_CT_MARK[]))")]
    [InlineData("ip,actions=ct(commit,exec(load(0x1234567890ABCDEF->ct_label[32..95])))", "ip actions=ct(commit,exec(load:0x1234567890abcdef->NXM_NX_CT_LABEL[32..95]))")]
    [InlineData("ip,actions=ct(commit,exec(set_field(0x1->ct_label)))", "ip actions=ct(commit,exec(set_field:0x1->ct_label))")]
    [InlineData("ip,ct_state=+trk,ct_label=0x1234567890abcdef12345678,actions=ct(commit)", "ct_state=+trk,ct_label=0x1234567890abcdef12345678,ip actions=ct(commit)")]
    [InlineData("ip,actions=ct(nat)", "ip actions=ct(nat)")]
    [InlineData("ip,actions=ct(commit,nat(dst))", "ip actions=ct(commit,nat(dst))")]
    [InlineData("ip,actions=ct(commit,nat(src=10.0.0.240:32768-65535,random))", "ip actions=ct(commit,nat(src=10.0.0.240:32768-65535,random))")]
    [InlineData("ip,actions=ct(commit,nat(src=10.0.0.240-10.0.0.254:32768-65535,persistent))", "ip actions=ct(commit,nat(src=10.0.0.240-10.0.0.254:32768-65535,persistent))")]
    [InlineData("ipv6,actions=ct(commit,nat(src=fe80::20c:29ff:fe88:1-fe80::20c:29ff:fe88:a18b,random))", "ipv6 actions=ct(commit,nat(src=fe80::20c:29ff:fe88:1-fe80::20c:29ff:fe88:a18b,random))")]
    [InlineData("ipv6,actions=ct(commit,nat(src=[fe80::20c:29ff:fe88:1]-[fe80::20c:29ff:fe88:a18b]:255-4096,random))", "ipv6 actions=ct(commit,nat(src=[fe80::20c:29ff:fe88:1]-[fe80::20c:29ff:fe88:a18b]:255-4096,random))")]
    [InlineData("tcp,actions=ct(commit,nat(src=10.1.1.240-10.1.1.255),alg=ftp)", "tcp actions=ct(commit,nat(src=10.1.1.240-10.1.1.255),alg=ftp)")]
    [InlineData("actions=output(max_len=100,port=123)", "actions=output(port=123,max_len=100)")]
    [InlineData("actions=output(port=LOCAL,max_len=123)", "actions=output(port=LOCAL,max_len=123)")]
    [InlineData("mpls,actions=set_mpls_label(0x10),set_mpls_tc(3),set_mpls_ttl(200)", "mpls actions=set_mpls_label(16),set_mpls_tc(3),set_mpls_ttl(200)")]
    [InlineData("ipv6,ipv6_label=0x12345 actions=2", "ipv6,ipv6_label=0x12345 actions=output:p2")]
    [InlineData("ipv6,ipv6_src=2001:db8:3c4d:1:2:3:4:5/64 actions=5", "ipv6,ipv6_src=2001:db8:3c4d:1::/64 actions=output:5")]
    [InlineData("arp,dl_src=00:0A:E4:25:6B:B0,arp_sha=00:0A:E4:25:6B:B0 actions=drop", "arp,dl_src=00:0a:e4:25:6b:b0,arp_sha=00:0a:e4:25:6b:b0 actions=drop")]
    [InlineData("in_port=3 icmp6,ipv6_src=2001:db8:3c4d:1::1,icmp_type=134 actions=drop", "icmp6,in_port=3,ipv6_src=2001:db8:3c4d:1::1,icmp_type=134 actions=drop")]
    [InlineData("icmp6,icmp_type=135,nd_target=FEC0::1234:F045:8FFF:1111:FE4F:0571/112 actions=drop", "icmp6,icmp_type=135,nd_target=fec0:0:1234:f045:8fff:1111:fe4f:0/112 actions=drop")]
    [InlineData("icmp6,icmp_type=135,nd_sll=00:0A:E4:25:6B:B0 actions=drop", "icmp6,icmp_type=135,nd_sll=00:0a:e4:25:6b:b0 actions=drop")]
    [InlineData("tcp,tcp_flags=+syn-ack actions=drop", "tcp,tcp_flags=+syn-ack actions=drop")]
    [InlineData("tcp,tcp_flags=0x12 actions=drop", "tcp,tcp_flags=syn|ack actions=drop")]
    [InlineData("ip,ct_state=0x21/0x23,ct_zone=7,ct_mark=0xf/0xff actions=drop", "ct_state=+new-est+trk,ct_zone=7,ct_mark=0xf/0xff,ip actions=drop")]
    [InlineData("ip,nw_src=10.1.2.3/255.0.255.0,nw_dst=10.1.2.3/0xffff0000,ip_frag=not_later actions=drop", "ip,nw_src=10.0.2.0/255.0.255.0,nw_dst=10.1.0.0/16,nw_frag=not_later actions=drop")]
    [InlineData("dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,dl_type=0x88cc actions=all", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,dl_type=0x88cc actions=ALL")]
    [InlineData("dl_vlan=5 actions=mod_vlan_vid:7,mod_vlan_pcp:2,pop_vlan", "dl_vlan=5 actions=mod_vlan_vid:7,mod_vlan_pcp:2,pop_vlan")]
    [InlineData("actions=mod_vlan_vid:7,mod_vlan_pcp:2", "actions=push_vlan:0x8100,set_vlan_vid:7,mod_vlan_pcp:2")]
    [InlineData("actions=push_vlan:0x88a8,set_field:0x1007->vlan_vid,set_field:3->vlan_pcp", "actions=push_vlan:0x88a8,set_field:4103->vlan_vid,set_field:3->vlan_pcp")]
    [InlineData("actions=load:5->OXM_OF_METADATA[4..11],move:reg0[0..15]->reg1[16..31],push:reg0,pop:reg2[]", "actions=load:0x5->OXM_OF_METADATA[4..11],move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31],push:NXM_NX_REG0[],pop:NXM_NX_REG2[]")]
    [InlineData("actions=write_metadata:0x5/0xff,goto_table:3", "actions=write_metadata:0x5/0xff,goto_table:3")]
    [InlineData("actions=clear_actions,write_actions(output:3,group:4),goto_table:1", "actions=clear_actions,write_actions(output:3,group:4),goto_table:1")]
    [InlineData("actions=clone(mod_dl_src:00:00:00:00:00:01,clone(output:3)),clone()", "actions=clone(mod_dl_src:00:00:00:00:00:01,clone(output:3)),clone(drop)")]
    [InlineData("actions=check_pkt_larger(1500)->NXM_NX_REG0[3],conjunction(1,2/3)", null)]
    [InlineData("actions=conjunction(1234,1/3),conjunction(5,2/2)", "actions=conjunction(1234,1/3),conjunction(5,2/2)")]
    [InlineData("actions=meter:4,check_pkt_larger(1500)->reg0[3]", "actions=meter:4,check_pkt_larger(1500)->NXM_NX_REG0[3]")]
    [InlineData("xreg0=0x100000002,xxreg1=0x5/0xff actions=drop", "reg0=0x1,reg1=0x2,reg7=0x5/0xff actions=drop")]
    [InlineData("cookie=0x1, duration=3.5s, table=2, n_packets=5, n_bytes=9, idle_age=1, priority=7,ip actions=drop", "cookie=0x1,table=2,priority=7,ip actions=drop")]
    public void Prints_what_Open_vSwitch_prints(string flow, string? expected)
    {
        var parser = new FlowTextParser(s_ports);
        if (expected is null)
        {
            Assert.Throws<FlowTextException>(() => parser.ParseFlow(flow));
            return;
        }

        FlowMod parsed = parser.ParseFlow(flow);
        var formatter = new FlowTextFormatter(s_ports);
        Assert.Equal("add " + expected, formatter.Format(parsed));
        FlowTextAssert.RoundTrips(parsed, parser, formatter);
    }

    [Theory]
    [InlineData("delete table=3,priority=5,ip", null)]
    [InlineData("delete_strict table=3,priority=5,ip", "delete_strict table=3,priority=5,ip")]
    [InlineData("delete cookie=5/-1,out_port=2,out_group=7,ip", "delete cookie=0x5/0xffffffffffffffff,out_port=p2,out_group=7,ip")]
    [InlineData("del", "delete ")]
    [InlineData("modify cookie=1/3,cookie=9,ip actions=2", "modify cookie=0x1/0x3,cookie=0x9,ip actions=output:p2")]
    [InlineData("modify_strict reset_counts actions=drop", "modify_strict reset_counts actions=drop")]
    [InlineData("add table=1 actions=", "add table=1 actions=drop")]
    public void Commands_round_trip(string line, string? expected)
    {
        var parser = new FlowTextParser(s_ports);
        if (expected is null)
        {
            Assert.Throws<FlowTextException>(() => parser.ParseFlow(line));
            return;
        }

        FlowMod parsed = parser.ParseFlow(line);
        var formatter = new FlowTextFormatter(s_ports);
        Assert.Equal(expected, formatter.Format(parsed));
        FlowTextAssert.RoundTrips(parsed, parser, formatter);
    }

    [Theory]
    [InlineData("group_id=1,type=all", "group_id=1,type=all")]
    [InlineData("group_id=1,type=select,bucket=weight:100,output:3,bucket=2", "group_id=1,type=select,bucket=bucket_id:0,weight:100,actions=output:3,bucket=bucket_id:1,actions=output:p2")]
    [InlineData("group_id=4,type=ff,bucket=watch_port:2,output:2,bucket=watch_group:3,actions=output:3,dec_ttl", "group_id=4,type=ff,bucket=bucket_id:0,watch_port:p2,actions=output:p2,bucket=bucket_id:1,watch_group:3,actions=output:3,dec_ttl")]
    [InlineData("group_id=2,type=select,selection_method=hash,selection_method_param=9,fields(ip_src,tcp_dst),bucket=bucket_id=3,weight=0,drop", "group_id=2,type=select,selection_method=hash,selection_method_param=9,fields(ip_src,tcp_dst),bucket=bucket_id:3,weight:0,actions=drop")]
    [InlineData("group_id=5,type=indirect,bucket=actions=mod_vlan_vid:3,output:1", "group_id=5,type=indirect,bucket=bucket_id:0,actions=push_vlan:0x8100,set_vlan_vid:3,output:p1")]
    public void Groups_round_trip(string line, string expected)
    {
        var parser = new FlowTextParser(s_ports);
        var formatter = new FlowTextFormatter(s_ports);
        GroupMod group = parser.ParseGroup(line);
        Assert.Equal(expected, formatter.FormatWithoutCommand(group));
        FlowTextAssert.RoundTrips(group, parser, formatter);
    }

    [Fact]
    public void Rules_print_like_dump_flows()
    {
        FlowMod flow = new FlowTextParser().ParseFlow("tcp,tp_dst=80 actions=output:1");
        var rule = new OfRule(flow.Match)
        {
            Table = 3,
            Priority = 7,
            Cookie = 0x2a,
            Actions = flow.Actions,
            IdleTimeoutSeconds = 9,
            CreatedMs = 1000,
        };
        rule.Stats.Add(5, 300, 2000);
        var formatter = new FlowTextFormatter();
        Assert.Equal(
            "cookie=0x2a, duration=4.25s, table=3, n_packets=5, n_bytes=300, idle_timeout=9, idle_age=3, priority=7,tcp,tp_dst=80 actions=output:1",
            formatter.Format(rule, 5250));
        Assert.Equal("cookie=0x2a, table=3, idle_timeout=9, priority=7,tcp,tp_dst=80 actions=output:1", formatter.FormatWithoutStats(rule));
    }
}
