using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.PipelineBed;

namespace Mergeflow.Tests;

/// <summary><c>ct</c> and what survives it.</summary>
public sealed class TranslatorConntrackTests
{
    [Theory]
    [InlineData("ip,actions=ct(table=1)", "ct,recirc(0x1)")]
    [InlineData("ip,actions=ct(commit,zone=7),output:2", "ct(commit,zone=7),2")]
    [InlineData("ip,actions=ct(commit,force,table=3,zone=7,nat(src=1.2.3.4-1.2.3.9:100-200))", "ct(force_commit,zone=7,nat(src=1.2.3.4-1.2.3.9:100-200)),recirc(0x1)")]
    [InlineData("ip,actions=ct(table=1,nat)", "ct(nat),recirc(0x1)")]
    [InlineData("ip,actions=load:9->NXM_NX_REG0[],ct(table=1,zone=NXM_NX_REG0[0..15])", "ct(zone=9),recirc(0x1)")]
    [InlineData("ip,actions=ct(commit,exec(load:5->NXM_NX_CT_MARK[0..7]))", "ct(commit,mark=0x5/0xff)")]
    [InlineData("ip,actions=load:6->NXM_NX_REG1[],ct(commit,exec(move:NXM_NX_REG1[]->NXM_NX_CT_MARK[]))", "ct(commit,mark=0x6/0xffffffff)")]
    [InlineData("ip,actions=ct(commit,exec(set_field:0x1/0x1->ct_label))", "ct(commit,label=0x1/0x1)")]
    [InlineData("ip,actions=mod_nw_tos:4,ct(table=1),output:2", "set(ipv4(tos=0x4/0xfc)),ct,recirc(0x1),2")]
    [InlineData("ip,actions=ct_clear,output:2", "2")]
    public void Programs(string rule, string program)
    {
        using PipelineBed bed = new(rule);
        Assert.Equal(program, bed.Actions(Tcp()));
    }

    [Fact]
    public void Behind_ct_the_list_sees_an_untracked_packet()
    {
        using PipelineBed bed = new("""
            table=0,ip,actions=ct(table=1,zone=3),resubmit(,2)
            table=1,ct_state=+est+trk,ip,actions=ct(commit,zone=3),resubmit(,2)
            table=2,priority=5,ct_state=+trk,actions=output:3
            table=2,priority=4,ct_state=-trk,ct_zone=0,ct_mark=0,actions=output:4
            """);
        Assert.Equal("ct(zone=3),recirc(0x1),4", bed.Actions(Tcp()));
        FlowKey key = bed.Recirculated(Tcp());
        (key.CtState, key.CtZone, key.CtMark) = (CtState.Est | CtState.Trk, Be16.FromHost(3), Be32.FromHost(9));
        Assert.Equal("ct(commit,zone=3),4", bed.Actions(key));
        Assert.Equal("24:22", bed.Mask());
    }

    [Fact]
    public void Registers_metadata_the_action_set_and_the_stack_survive()
    {
        using PipelineBed bed = new("""
            table=0,ip,actions=load:0x77->NXM_NX_REG5[],set_field:3->metadata,push:NXM_OF_IP_SRC[],write_actions(output:2),goto_table:1
            table=1,ip,actions=ct(table=2)
            table=2,reg5=0x77,metadata=3,ip,actions=pop:NXM_NX_REG6[],resubmit(,3)
            table=3,reg6=0x0a000001,actions=output:4
            """);
        Assert.Equal("ct,recirc(0x1),2", bed.Actions(Tcp()));
        Assert.Equal("44:ff 45:ff 46:ff 47:ff", bed.Mask());
        Assert.Equal("4,2", bed.Actions(bed.Recirculated(Tcp())));
        Assert.Equal("", bed.Mask());
    }

    [Fact]
    public void Changes_behind_ct_do_not_reach_the_recirculated_packet()
    {
        using PipelineBed bed = new("table=0,ip,actions=load:1->NXM_NX_REG0[],ct(table=1),load:2->NXM_NX_REG0[],output:NXM_NX_REG0[]\ntable=1,reg0=1,actions=output:3");
        Assert.Equal("ct,recirc(0x1),2", bed.Actions(Tcp()));
        Assert.Equal("3", bed.Actions(bed.Recirculated(Tcp())));
    }

    [Fact]
    public void Equal_states_share_an_id_and_different_ones_do_not()
    {
        using PipelineBed bed = new("ip,nw_src=10.0.0.1,actions=load:1->NXM_NX_REG0[],ct(table=1)\nip,nw_src=10.0.0.2,actions=ct(zone=9,table=1)\nip,nw_src=10.0.0.3,actions=load:1->NXM_NX_REG0[0],ct(zone=5,table=1)");
        _ = bed.Actions(Tcp("10.0.0.1"));
        uint first = Assert.Single(bed.Result.RecircIds);
        _ = bed.Actions(Tcp("10.0.0.3"));
        Assert.Equal([first], bed.Result.RecircIds);
        _ = bed.Actions(Tcp("10.0.0.2"));
        Assert.NotEqual([first], bed.Result.RecircIds);
        Assert.Equal(1, bed.Recirc.ReferencedCount);
    }

    [Fact]
    public void The_port_where_a_packet_was_put_aside_is_the_one_that_rules_see_and_output_spares()
    {
        using PipelineBed bed = new("table=0,ip,actions=ct(table=1)\ntable=1,in_port=1,actions=output:2,output:1\ntable=1,in_port=2,actions=output:1");
        Assert.Equal("ct,recirc(0x1)", bed.Actions(Tcp()));
        FlowKey late = bed.Recirculated(Tcp());
        late.InPort = Be32.FromHost(2);
        Assert.Equal("2", bed.Actions(late));
        FlowKey other = Tcp();
        other.InPort = Be32.FromHost(2);
        Assert.Equal("ct,recirc(0x2)", bed.Actions(other));
        Assert.Equal("1", bed.Actions(bed.Recirculated(other)));
    }

    [Fact]
    public void An_unknown_recirculation_id_drops()
    {
        using PipelineBed bed = new("actions=output:2");
        FlowKey key = Tcp();
        key.RecircId = Be32.FromHost(99);
        Assert.Equal("drop", bed.Actions(key));
        Assert.Equal("No recirculation context", bed.Result.Error);
        Assert.Equal("", bed.Mask());
    }

    [Fact]
    public void Ct_clear_clears_only_a_tracked_packet()
    {
        using PipelineBed bed = new("table=0,ip,actions=ct(table=1)\ntable=1,ip,actions=ct_clear,resubmit(,2)\ntable=2,ct_state=0,actions=output:2");
        _ = bed.Actions(Tcp());
        FlowKey key = bed.Recirculated(Tcp());
        key.CtState = CtState.New | CtState.Trk;
        Assert.Equal("ct_clear,2", bed.Actions(key));
        Assert.Equal("", bed.Mask());
    }

    [Fact]
    public void Resubmit_with_the_connection_tuple_matches_the_original_direction()
    {
        using PipelineBed bed = new("table=0,ip,actions=ct(table=1)\ntable=1,ct_state=+trk+est,ip,actions=resubmit(,2,ct)\ntable=2,tcp,nw_src=10.9.9.9,actions=output:2");
        _ = bed.Actions(Tcp());
        FlowKey key = bed.Recirculated(Tcp());
        key.CtState = CtState.Est | CtState.Trk;
        (key.CtNwProto, key.CtNwSrc, key.CtNwDst) = (IpProto.Tcp, Chain.Ip("10.9.9.9"), Chain.Ip("10.8.8.8"));
        Assert.Equal("2", bed.Actions(key));
        Assert.Equal("24:22 112:ff 113:ff 114:ff 115:ff 124:ff", bed.Mask());
    }
}
