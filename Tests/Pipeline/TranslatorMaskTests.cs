using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.PipelineBed;

namespace Mergeflow.Tests;

/// <summary>Masks hold the consulted bits and no others.</summary>
public sealed class TranslatorMaskTests
{
    [Theory]
    [InlineData("actions=output:2", "")]
    [InlineData("tcp,actions=output:2", "41:ff")]
    [InlineData("ip,nw_src=10.0.0.0/8,actions=output:2", "44:ff")]
    [InlineData("dl_vlan=5,actions=output:2", "14:10")]
    [InlineData("vlan_tci=0/0x1000,actions=output:2", "14:10")]
    [InlineData("tcp,tp_dst=80,actions=output:2", "41:ff 54:ff 55:ff")]
    [InlineData("actions=mod_dl_src:0e:00:00:00:00:01,output:2", "")]
    [InlineData("ip,actions=mod_nw_src:1.2.3.4,output:2", "41:02")]
    [InlineData("ip,actions=dec_ttl,output:2", "40:ff 41:02")]
    [InlineData("ip,actions=mod_nw_src:1.2.3.4", "")]
    [InlineData("tcp,actions=mod_tp_dst:99,output:2", "41:ff")]
    [InlineData("ip,actions=move:NXM_OF_IP_SRC[0..7]->NXM_NX_REG0[0..7]", "47:ff")]
    [InlineData("ip,actions=mod_nw_src:1.2.3.4,resubmit(,1)\ntable=1,ip,nw_src=1.2.0.0/16,actions=output:2", "41:02")]
    [InlineData("ip,nw_src=10.0.0.1,actions=mod_nw_src:10.0.0.1,output:2", "41:02 44:ff 45:ff 46:ff 47:ff")]
    public void Of_one_packet(string rules, string mask)
    {
        using PipelineBed bed = new(rules);
        _ = bed.Actions(Tcp());
        Assert.Equal(mask, bed.Mask());
    }

    /// <summary>An action list that strips a tag follows a match that has made sure of one; an action set may meet a packet without.</summary>
    [Theory]
    [InlineData("strip_vlan,output:2", true)]
    [InlineData("strip_vlan,output:2", false)]
    [InlineData("strip_vlan,push_vlan:0x8100,set_field:4099->vlan_vid,output:2", true)]
    [InlineData("strip_vlan,push_vlan:0x8100,set_field:4099->vlan_vid,output:2", false)]
    [InlineData("pop_vlan,push_vlan:0x8100,output:2", true)]
    [InlineData("pop_vlan,push_vlan:0x8100,output:2", false)]
    public void An_action_set_looks_for_the_tag_that_it_needs(string set, bool exactVlanPop)
    {
        using PipelineBed bed = new($"actions=write_actions({set})", exactVlanPop: exactVlanPop);
        string untagged = bed.Actions(Tcp());
        Assert.NotEqual(0, bed.Result.Mask.Vlan0Tci.Host & 0x1000);
        Assert.NotEqual(untagged, bed.Actions(Tagged(Tcp(), 5)));
        Assert.NotEqual(0, bed.Result.Mask.Vlan0Tci.Host & 0x1000);
    }

    [Fact]
    public void A_rule_of_higher_priority_is_excluded_by_one_bit()
    {
        using PipelineBed bed = new("priority=9,ip,nw_src=192.168.0.0/16,actions=output:3\npriority=1,ip,actions=output:2");
        Assert.Equal("2", bed.Actions(Tcp()));
        Assert.Equal("44:80", bed.Mask());
    }

    [Fact]
    public void What_is_known_already_excludes_for_free()
    {
        using PipelineBed bed = new("""
            priority=9,udp,nw_src=1.2.3.4,actions=output:3
            priority=8,arp,actions=output:3
            priority=8,in_port=5,actions=output:3
            priority=7,tcp,nw_src=10.0.0.0/8,actions=output:2
            """);
        Assert.Equal("2", bed.Actions(Tcp()));
        Assert.Equal("41:ff 44:ff", bed.Mask());
    }

    [Fact]
    public void One_bit_serves_many_rules()
    {
        string rules = string.Join('\n', Enumerable.Range(0, 100).Select(i => $"priority={i + 10},tcp,nw_dst=192.168.{i}.0/24,actions=output:3"));
        using PipelineBed bed = new(rules + "\npriority=1,tcp,actions=output:2");
        Assert.Equal("2", bed.Actions(Tcp()));
        Assert.Equal("41:ff 48:80", bed.Mask());
    }

    [Fact]
    public void A_miss_excludes_every_rule()
    {
        using PipelineBed bed = new("tcp,tp_dst=443,actions=output:2\nudp,actions=output:2");
        Assert.Equal("drop", bed.Actions(Tcp()));
        FlowKey other = Tcp(dport: 22);
        Assert.Equal("drop", bed.Actions(other));
        Assert.True((bed.Result.Mask.TpDst.Host & (22 ^ 443)) != 0 || bed.Result.Mask.NwProto != 0);
    }

    [Fact]
    public void Large_tables_with_one_mask_answer_like_small_ones()
    {
        string rules = string.Join('\n', Enumerable.Range(0, 2000).Select(i => $"priority={(i % 7) + 10},ip,nw_dst=10.{i / 250}.{i % 250}.1,actions=output:{(i % 5) + 2}"));
        using PipelineBed bed = new(rules + "\npriority=99,tcp,tp_dst=9,actions=drop\npriority=1,actions=in_port");
        Assert.Equal("5", bed.Actions(Udp(dst: "10.7.248.1")));
        Assert.Equal("41:10 48:ff 49:ff 50:ff 51:ff", bed.Mask());
        Assert.Equal("1", bed.Actions(Udp(dst: "10.7.248.2")));
    }

    [Theory]
    [InlineData(NwFrag.No)]
    [InlineData(NwFrag.Any)]
    [InlineData(NwFrag.Any | NwFrag.Later)]
    public void Fragments_and_whole_packets_never_share_a_megaflow(NwFrag frag)
    {
        using PipelineBed bed = new("actions=output:2");
        FlowKey key = Tcp();
        key.NwFrag = frag;
        Assert.Equal("2", bed.Actions(key));
        Assert.Equal(NwFrag.Any | NwFrag.Later, bed.Result.Mask.NwFrag);
        key = default;
        key.DlType = Be16.FromHost(EthType.Arp);
        Assert.Equal("2", bed.Actions(key));
        Assert.Equal(NwFrag.No, bed.Result.Mask.NwFrag);
    }

    [Fact]
    public void Rules_see_no_ports_in_fragments()
    {
        using PipelineBed bed = new("priority=2,udp,tp_dst=53,actions=output:2\npriority=1,udp,tp_dst=0,actions=output:3");
        Assert.Equal("2", bed.Actions(Udp()));
        FlowKey first = Udp();
        first.NwFrag = NwFrag.Any;
        Assert.Equal("3", bed.Actions(first));
        Assert.Equal("41:ff", bed.Mask());
    }

    [Fact]
    public void Later_fragments_have_no_ports_to_write()
    {
        using PipelineBed bed = new("tcp,actions=mod_tp_dst:99,output:2");
        FlowKey later = Tcp(sport: 0, dport: 0);
        later.NwFrag = NwFrag.Any | NwFrag.Later;
        Assert.Equal("2", bed.Actions(later));
        Assert.Equal("41:ff", bed.Mask());
    }

    [Fact]
    public void A_packet_without_protocol_is_left_alone()
    {
        using PipelineBed bed = new("ip,actions=mod_nw_src:1.2.3.4,output:2");
        FlowKey malformed = default;
        (malformed.InPort, malformed.DlType) = (Tcp().InPort, Tcp().DlType);
        Assert.Equal("2", bed.Actions(malformed));
        Assert.Equal("41:ff", bed.Mask());
    }

    [Fact]
    public void Restoring_a_rewritten_field_consults_it()
    {
        using PipelineBed bed = new("ip,actions=group:1", "group_id=1,type=all,bucket=mod_nw_dst:9.9.9.9,output:2,bucket=output:3");
        Assert.Equal("set(ipv4(dst=9.9.9.9)),2,set(ipv4(dst=10.0.0.2)),3", bed.Actions(Tcp()));
        Assert.Equal("41:02 48:ff 49:ff 50:ff 51:ff", bed.Mask());
    }
}
