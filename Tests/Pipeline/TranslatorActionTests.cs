using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.PipelineBed;

namespace Mergeflow.Tests;

/// <summary>Small pipelines and the datapath programs they yield.</summary>
public sealed class TranslatorActionTests
{
    [Theory]
    [InlineData("actions=output:2", "2")]
    [InlineData("actions=output:1", "drop")]
    [InlineData("actions=in_port", "1")]
    [InlineData("actions=output:9", "drop")]
    [InlineData("actions=flood", "2,3,4,5,6")]
    [InlineData("actions=all", "2,3,4,5,6")]
    [InlineData("actions=load:4->NXM_NX_REG0[],output:NXM_NX_REG0[]", "4")]
    [InlineData("actions=load:0x10004->NXM_NX_REG0[],output:NXM_NX_REG0[]", "drop")]
    [InlineData("actions=resubmit(,7),output:3", "3")]
    [InlineData("ip,actions=mod_nw_src:1.2.3.4,output:2,output:3", "set(ipv4(src=1.2.3.4)),2,3")]
    [InlineData("ip,actions=output:2,mod_nw_src:1.2.3.4", "2")]
    [InlineData("tcp,actions=mod_tp_dst:99,mod_dl_src:0e:00:00:00:00:01,output:2", "set(eth(src=0e:00:00:00:00:01)),set(tcp(dst=99)),2")]
    [InlineData("ip,actions=dec_ttl,output:2", "set(ipv4(ttl=63)),2")]
    [InlineData("ip,actions=mod_nw_tos:32,mod_nw_ecn:1,output:2", "set(ipv4(tos=0x21)),2")]
    [InlineData("ip,actions=mod_nw_ttl:64,output:2", "set(ipv4(ttl=64)),2")]
    [InlineData("actions=push:NXM_NX_REG0[],load:3->NXM_NX_REG0[],output:NXM_NX_REG0[],pop:NXM_NX_REG0[],output:NXM_NX_REG0[]", "3")]
    [InlineData("actions=move:NXM_OF_IN_PORT[]->NXM_NX_REG1[0..15],load:2->NXM_NX_REG1[16..17],output:NXM_NX_REG1[16..31]", "2")]
    [InlineData("actions=pop:NXM_NX_REG0[],output:2", "2")]
    [InlineData("actions=load:2->NXM_OF_IN_PORT[],output:1,output:2", "1")]
    public void Outputs_and_rewrites(string rule, string program)
    {
        using PipelineBed bed = new(rule);
        Assert.Equal(program, bed.Actions(Tcp()));
        Assert.Null(bed.Result.Error);
    }

    /// <summary>OVS <c>ofputil_port_to_ofp11</c>: CONTROLLER is 0xfffffffd there.</summary>
    [Theory]
    [InlineData("actions=output:OXM_OF_IN_PORT[]", "drop")]
    [InlineData("ip,actions=ct(commit,zone=OXM_OF_IN_PORT[16..31])", "ct(commit,zone=65535)")]
    [InlineData("ip,actions=ct(commit,zone=OXM_OF_IN_PORT[0..15])", "ct(commit,zone=65533)")]
    [InlineData("actions=move:OXM_OF_IN_PORT[16..31]->NXM_NX_REG1[0..15],load:2->NXM_NX_REG1[0..14],output:NXM_NX_REG1[0..14]", "2")]
    public void Reserved_ports_have_32_bits_in_OpenFlow_11(string rule, string program)
    {
        using PipelineBed bed = new(rule);
        FlowKey key = Tcp();
        key.InPort = Be32.FromHost((uint)OfReservedPort.Controller);
        Assert.Equal(program, bed.Actions(key));
        Assert.Null(bed.Result.Error);
    }

    [Fact]
    public void Dec_ttl_stops_its_list_and_the_caller_of_a_resubmit_goes_on()
    {
        using PipelineBed bed = new("table=0,ip,actions=resubmit(,1),output:4\ntable=1,ip,actions=output:2,dec_ttl,output:3");
        FlowKey key = Tcp();
        key.NwTtl = 1;
        Assert.Equal("2,userspace(pid=0,controller(reason=2,dont_send=0,continuation=0,recirc_id=1,rule_cookie=0,controller_id=0,max_len=65535)),4", bed.Actions(key));
        key.NwTtl = 9;
        Assert.Equal("2,set(ipv4(ttl=8)),3,4", bed.Actions(key));
    }

    [Fact]
    public void Metadata_and_registers_steer_later_tables()
    {
        using PipelineBed bed = new("""
            table=0,ip,actions=load:7->NXM_NX_REG3[4..7],write_metadata:0x12/0xff,goto_table:1
            table=1,metadata=0x12,reg3=0x70/0xf0,actions=output:2
            table=1,priority=1,actions=output:3
            """);
        Assert.Equal("2", bed.Actions(Tcp()));
        Assert.Equal("", bed.Mask());
    }

    [Fact]
    public void Resubmit_limits_drop_the_packet_as_a_whole()
    {
        using PipelineBed bed = new("actions=output:2,resubmit(,0)");
        Assert.Equal("drop", bed.Actions(Tcp()));
        Assert.Equal("Recursion too deep", bed.Result.Error);
        bed.Mod("add table=1,actions=output:2", "add table=0,actions=" + string.Join(',', Enumerable.Repeat("resubmit(,1)", 4096)));
        Assert.Equal(4096, bed.Actions(Tcp()).Split(',').Length);
        bed.Mod("add table=0,actions=" + string.Join(',', Enumerable.Repeat("resubmit(,1)", 4097)));
        Assert.Equal("drop", bed.Actions(Tcp()));
        Assert.Equal("Too many resubmits", bed.Result.Error);
    }

    [Theory]
    [InlineData("actions=push_vlan:0x8100,output:2", -1, -1, "push_vlan(vid=0,pcp=0),2")]
    [InlineData("actions=mod_vlan_vid:6,output:2", -1, -1, "push_vlan(vid=6,pcp=0),2")]
    [InlineData("actions=mod_vlan_pcp:3,output:2", -1, -1, "push_vlan(vid=0,pcp=3),2")]
    [InlineData("vlan_tci=0x1000/0x1000,actions=mod_vlan_vid:6,output:2", 0x6005, -1, "set(vlan(vid=6)),2")]
    [InlineData("dl_vlan=6,actions=mod_vlan_vid:6,output:2", 0x6006, -1, "2")]
    [InlineData("actions=push_vlan:0x88a8,set_field:0x1007->vlan_vid,output:2", 0x6005, -1, "push_vlan(tpid=0x88a8,vid=7,pcp=0),2")]
    [InlineData("dl_vlan=5,actions=pop_vlan,output:2", 5, -1, "pop_vlan,2")]
    [InlineData("dl_vlan=5,actions=pop_vlan,output:2", 5, 9, "pop_vlan,2")]
    [InlineData("dl_vlan=5,actions=pop_vlan,push_vlan:0x8100,output:2", 5, -1, "pop_vlan,push_vlan(vid=0,pcp=0),2")]
    [InlineData("actions=push_vlan:0x8100,mod_vlan_vid:7,output:2,pop_vlan,output:3", 5, 9, "pop_vlan,pop_vlan,push_vlan(vid=5,pcp=0),push_vlan(vid=7,pcp=0),2,pop_vlan,3")]
    [InlineData("actions=load:0->NXM_OF_VLAN_TCI[],output:2", 5, -1, "pop_vlan,2")]
    [InlineData("actions=output:2,push_vlan:0x8100,output:3,pop_vlan,output:4", 5, -1, "2,push_vlan(vid=0,pcp=0),3,pop_vlan,4")]
    public void VLAN_tags(string rule, int outer, int inner, string program)
    {
        using PipelineBed bed = new(rule);
        FlowKey key = outer < 0 ? Tcp() : Tagged(Tcp(), (ushort)outer, inner < 0 ? null : (ushort)inner);
        Assert.Equal(program, bed.Actions(key));
    }

    [Fact]
    public void A_VLAN_pushed_on_a_VLAN_consults_presence_only()
    {
        using PipelineBed bed = new("actions=push_vlan:0x88a8,output:2");
        Assert.Equal("push_vlan(tpid=0x88a8,vid=0,pcp=0),2", bed.Actions(Tagged(Tcp(), 0x6005)));
        Assert.Equal("14:10 172:10", bed.Mask());
    }

    [Fact]
    public void Popping_brings_the_inner_tag_in_front_of_later_tables()
    {
        using PipelineBed bed = new("dl_vlan=5,actions=pop_vlan,goto_table:1\ntable=1,dl_vlan=9,actions=output:2");
        Assert.Equal("pop_vlan,2", bed.Actions(Tagged(Tcp(), 5, 9)));
        Assert.Equal("drop", bed.Actions(Tagged(Tcp(), 5, 10)));
        Assert.Equal("drop", bed.Actions(Tagged(Tcp(), 5)));
        Assert.NotEqual(0, bed.Result.Mask.Vlan1Tci.Host & 0x1000);
    }

    [Theory]
    [InlineData("group_id=1,type=all,bucket=mod_dl_dst:0a:00:00:00:00:01,output:2,bucket=output:3", "actions=group:1,output:4", "set(eth(dst=0a:00:00:00:00:01)),2,set(eth(dst=02:00:00:00:00:02)),3,4")]
    [InlineData("group_id=1,type=indirect,bucket=output:2", "actions=group:1", "2")]
    [InlineData("group_id=1,type=ff,bucket=watch_port:9,output:2,bucket=watch_port:3,output:3", "actions=group:1", "3")]
    [InlineData("group_id=1,type=select,bucket=output:2", "actions=group:1", "hash(sym_l4(0)),recirc(0x1)")]
    [InlineData("group_id=1,type=all", "actions=group:1,output:2", "2")]
    [InlineData("group_id=1,type=all,bucket=clone(output:2),note:01,push:NXM_NX_REG0[],output:3", "actions=group:1,output:2", "3,2")]
    public void Groups(string group, string rule, string program)
    {
        using PipelineBed bed = new(rule, group);
        Assert.Equal(program, bed.Actions(Tcp()));
    }

    [Fact]
    public void Weight_zero_never_gets_a_packet_and_hash_fields_are_consulted()
    {
        using PipelineBed bed = new("tcp,actions=group:1", "group_id=1,type=select,selection_method=hash,fields(ip_src,tcp_dst),bucket=weight:0,output:2,bucket=weight:5,output:3,bucket=weight:5,output:4");
        HashSet<string> seen = [.. Enumerable.Range(1, 64).Select(i => bed.Actions(Tcp(src: $"10.0.0.{i}")))];
        Assert.Equal(["3", "4"], seen.Order());
        Assert.Equal("41:ff 44:ff 45:ff 46:ff 47:ff 54:ff 55:ff", bed.Mask());
    }

    [Fact]
    public void A_select_group_recirculates_for_a_hash_and_then_uses_its_low_bits()
    {
        using PipelineBed bed = new("actions=mod_dl_src:0e:00:00:00:00:01,group:1,output:4", "group_id=1,type=select,bucket=weight:1,output:2,bucket=weight:3,output:3");
        FlowKey key = Tcp();
        Assert.Equal("set(eth(src=0e:00:00:00:00:01)),hash(sym_l4(0)),recirc(0x1)", bed.Actions(key));
        key = bed.Recirculated(key);
        var outputs = new Dictionary<string, int>();
        for (uint h = 1; h <= 64; h++)
        {
            key.DpHash = Be32.FromHost(h);
            string program = bed.Actions(key);
            outputs[program] = outputs.GetValueOrDefault(program) + 1;
        }

        Assert.Equal(16, outputs["2,4"]);
        Assert.Equal(48, outputs["3,4"]);
        Assert.Equal("163:0f", bed.Mask());
    }

    [Fact]
    public void Clone_rolls_back_and_nests_only_what_cannot_be_undone()
    {
        using PipelineBed bed = new("ip,actions=clone(mod_nw_src:9.9.9.9,output:2),output:3");
        Assert.Equal("set(ipv4(src=9.9.9.9)),2,set(ipv4(src=10.0.0.1)),3", bed.Actions(Tcp()));
        bed.Mod("add ip,actions=clone(ct(commit),output:2),output:3");
        Assert.Equal("clone(ct(commit),2),3", bed.Actions(Tcp()));
        bed.Mod("add ip,actions=output:3,clone(ct(commit),output:2)");
        Assert.Equal("3,ct(commit),2", bed.Actions(Tcp()));
    }

    [Theory]
    [InlineData("clone(resubmit(,1)),output:3", "ip,actions=ct(commit,nat(src=9.9.9.9)),output:2", "clone(ct(commit,nat(src=9.9.9.9)),2),3")]
    [InlineData("clone(resubmit(,1)),output:3", "ip,actions=mod_nw_tos:4,output:2", "set(ipv4(tos=0x4/0xfc)),2,set(ipv4(tos=0/0xfc)),3")]
    [InlineData("clone(clone(resubmit(,1)),output:4),output:3", "ip,actions=ct(commit)", "clone(ct(commit)),4,3")]
    [InlineData("clone(group:1),output:3", "ip,actions=ct(commit),output:2", "clone(ct(commit),2),3")]
    [InlineData("clone(output(port=2,max_len=64)),output:3", "", "clone(trunc(64),2),3")]
    [InlineData("mod_nw_ttl:9,clone(resubmit(,1)),output:3", "ip,actions=ct(commit),output:2", "clone(set(ipv4(ttl=9)),ct(commit),2),set(ipv4(ttl=9)),3")]
    [InlineData("clone(resubmit(,1))", "ip,actions=ct(commit),output:2", "ct(commit),2")]
    [InlineData("clone(resubmit(,1)),output:3", "ip,actions=ct_clear,output:2", "2,3")]
    public void What_a_clone_comes_to_decides_whether_the_packet_is_copied(string actions, string table1, string program)
    {
        using PipelineBed bed = new($"ip,actions={actions}", "group_id=1,type=indirect,bucket=resubmit(,1)\ngroup_id=2,type=select,bucket=output:2,bucket=output:4");
        if (table1.Length > 0) bed.Mod($"add table=1,{table1}");
        Assert.Equal(program, bed.Actions(Tcp()));
        Assert.Null(bed.Result.Error);
    }

    /// <summary>Nor does the packet go there whole; what is no part of a packet does.</summary>
    [Fact]
    public void A_part_of_a_packet_does_not_go_through_a_patch()
    {
        using PipelineBed bed = new("ip,actions=output(port=2,max_len=100),output(port=3,max_len=100),output:2,output:4");
        Assert.Equal("trunc(100),2,trunc(100),3,2,4", bed.Actions(Tcp()));
        Assert.True(bed.Pipeline.RemovePort(2));
        Assert.True(bed.Pipeline.AddPort(new PipelinePort("p2", 2) { IsPatch = true }));
        Assert.Equal("trunc(100),3,2,4", bed.Actions(Tcp()));
        Assert.Null(bed.Result.Error);
    }

    [Fact]
    public void A_clone_that_forgets_the_connection_leaves_the_original_tracked()
    {
        using PipelineBed bed = new("ct_state=+trk,ip,actions=clone(ct_clear,output:2),ct_clear,resubmit(,1)\ntable=1,priority=2,ct_state=+trk,ip,actions=output:3\ntable=1,ip,actions=output:4");
        FlowKey key = Tcp();
        key.CtState = CtState.Trk | CtState.New;
        Assert.Equal("clone(ct_clear,2),ct_clear,4", bed.Actions(key));
    }

    [Theory]
    [InlineData("actset_output=unset,actions=output:2", "2")]
    [InlineData("actset_output=3,actions=output:2", "drop")]
    [InlineData("actions=write_actions(output:3),goto_table:1\ntable=1,actset_output=3,actions=output:2", "2,3")]
    [InlineData("actions=write_actions(output:in_port),goto_table:1\ntable=1,actset_output=in_port,actions=output:2", "2,1")]
    [InlineData("actions=write_actions(output:3),goto_table:1\ntable=1,actions=clear_actions,goto_table:2\ntable=2,actset_output=unset,actions=output:2", "2")]
    [InlineData("actions=write_actions(output:3,group:7),goto_table:1\ntable=1,actset_output=unset,actions=output:2", "2")]
    [InlineData("actions=move:OXM_OF_ACTSET_OUTPUT[0..15]->NXM_NX_REG0[0..15],resubmit(,1)\ntable=1,reg0=0xfff7,actions=output:2", "2")]
    [InlineData("actions=move:OXM_OF_ACTSET_OUTPUT[]->NXM_NX_REG0[],resubmit(,1)\ntable=1,reg0=0xfffffff7,actions=output:2", "2")]
    public void Where_the_action_set_leads_is_unset_until_it_has_an_output(string rules, string program)
    {
        using PipelineBed bed = new(rules, "group_id=7,type=all");
        Assert.Equal(program, bed.Actions(Tcp()));
    }

    [Theory]
    [InlineData("set_field:2->arp_op,output:2", "set(arp(op=2)),2", "")]
    [InlineData("load:2->NXM_OF_ARP_OP[0..3],output:2", "set(arp(op=2)),2", "41:f0")]
    [InlineData("set_field:10.9.9.9->arp_spa,output:2", "2", "41:ff")]
    public void Of_an_ARP_operation_that_reads_as_none_both_bytes_are_written(string actions, string program, string mask)
    {
        using PipelineBed bed = new($"arp,actions={actions}");
        FlowKey key = bed.Key(Convert.FromHexString("ffffffffffff020000000001080600010800060475010200000000010a0100090000000000000a010001"));
        Assert.Equal(program, bed.Actions(key));
        Assert.Equal(mask, bed.Mask());
    }

    /// <summary>A flow has room for two tags, however many of a packet's are parsed.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void A_tag_is_pushed_in_front_of_the_one_that_is_there(int vlanLimit)
    {
        using PipelineBed bed = new("actions=push_vlan:0x8100,set_field:4103->vlan_vid,output:2", vlanLimit: vlanLimit);
        Assert.Equal("push_vlan(vid=7,pcp=0),2", bed.Actions(Tagged(Tcp(), 5)));
        Assert.Equal("push_vlan(vid=7,pcp=0),2", bed.Actions(Tcp()));
    }

    [Fact]
    public void Check_pkt_larger_translates_the_rest_twice()
    {
        using PipelineBed bed = new("ip,actions=mod_nw_tos:4,check_pkt_larger(1400)->NXM_NX_REG0[0],resubmit(,1)\ntable=1,reg0=1,actions=output:2\ntable=1,reg0=0,actions=output:3");
        Assert.Equal("set(ipv4(tos=0x4/0xfc)),check_pkt_len(size=1400,gt(2),le(3))", bed.Actions(Tcp()));
    }

    [Fact]
    public void The_action_set_runs_at_the_end_in_OpenFlow_order()
    {
        using PipelineBed bed = new("ip,actions=write_actions(output:2,mod_dl_src:0e:00:00:00:00:01),goto_table:1\ntable=1,ip,actions=output:4,write_actions(dec_ttl,output:3)");
        Assert.Equal("4,set(eth(src=0e:00:00:00:00:01)),set(ipv4(ttl=63)),3", bed.Actions(Tcp()));
        bed.Mod("add table=1,ip,actions=clear_actions");
        Assert.Equal("drop", bed.Actions(Tcp()));
    }

    [Fact]
    public void Popping_the_last_label_recirculates_before_anything_looks_behind_it()
    {
        using PipelineBed bed = new("mpls,actions=pop_mpls:0x0800,output:3,dec_ttl,output:2");
        FlowKey key = bed.Key(SampleFrames.Hex("020000000001020000000002 8847 00001140 4500 0020 0000 0000 4011 0000 0a000001 0a000002 03e80035000c1234deadbeef"));
        Assert.Equal("pop_mpls(eth_type=0x800),3,recirc(0x1)", bed.Actions(key));
        Assert.Equal("set(ipv4(ttl=63)),2", bed.Actions(bed.Recirculated(Udp())));
    }

    [Fact]
    public void Pushing_MPLS_hides_the_network_layer()
    {
        using PipelineBed bed = new("ip,actions=push_mpls:0x8847,set_field:20->mpls_label,resubmit(,1)\ntable=1,ip,actions=output:3\ntable=1,mpls,mpls_label=20,actions=output:2");
        Assert.Equal("push_mpls(label=20,tc=0,ttl=64,bos=1,eth_type=0x8847),2", bed.Actions(Tcp()));
    }

    [Fact]
    public void To_the_controller_marks_the_result()
    {
        using PipelineBed bed = new("actions=controller,output:2");
        Assert.Equal(UserspaceReason.Controller, Translated(bed)[0].Userspace.Reason);
        Assert.True(bed.Result.SlowPath);

        static DpAction[] Translated(PipelineBed bed)
        {
            _ = bed.Actions(Tcp());
            return bed.Result.Actions.ToArray();
        }
    }

    [Fact]
    public void Normal_learns_and_moves_the_tables_version()
    {
        using PipelineBed bed = new("actions=normal", portCount: 3);
        ulong version = bed.Pipeline.TablesVersion;
        Assert.Equal("2,3", bed.Actions(Tcp()));
        Assert.NotEqual(version, version = bed.Pipeline.TablesVersion);
        FlowKey back = Tcp();
        (back.DlSrc, back.DlDst) = (back.DlDst, back.DlSrc);
        back.InPort = Be32.FromHost(2);
        Assert.Equal("1", bed.Actions(back));
        Assert.NotEqual(version, version = bed.Pipeline.TablesVersion);
        Assert.Equal("2", bed.Actions(Tcp()));
        Assert.Equal(version, bed.Pipeline.TablesVersion);
        Assert.False(bed.Result.SlowPath);
        Assert.Equal("2,3", bed.Actions(Tcp(), nowMs: 400_000));
    }

    [Fact]
    public void Conjunctions_match_when_every_clause_does()
    {
        using PipelineBed bed = new("""
            priority=10,ip,nw_src=10.0.0.1,actions=conjunction(7,1/2)
            priority=10,ip,nw_src=10.0.0.2,actions=conjunction(7,1/2)
            priority=10,tcp,tp_dst=80,actions=conjunction(7,2/2)
            priority=10,tcp,tp_dst=443,actions=conjunction(7,2/2)
            priority=10,conj_id=7,ip,actions=output:2
            priority=1,actions=output:3
            """);
        Assert.Equal("2", bed.Actions(Tcp(dport: 80)));
        Assert.Equal("2", bed.Actions(Tcp(src: "10.0.0.2", dport: 443)));
        Assert.Equal("3", bed.Actions(Tcp(src: "10.0.0.3", dport: 443)));
        Assert.Equal("3", bed.Actions(Tcp(dport: 22)));
        Assert.Equal("3", bed.Actions(Udp(dport: 80)));
    }

    [Fact]
    public void A_trace_names_tables_rules_and_actions()
    {
        using PipelineBed bed = new("table=0,cookie=5,priority=9,ip,actions=goto_table:1\ntable=1,actions=output:2");
        bed.Result.Steps = [];
        _ = bed.Actions(Tcp());
        Assert.Contains(bed.Result.Steps, s => s is { Table: 0, Rule.Cookie: 5 });
        Assert.Contains(bed.Result.Steps, s => s is { Table: 1, Rule: not null });
        Assert.Contains(bed.Result.Steps, s => s is { Rule: null, Action: OfOutput { Port: 2 } });
    }
}
