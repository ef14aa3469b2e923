using Xunit;

namespace Mergeflow.Tests;

/// <summary>What matches mean in bits (OVS lib/match.c, lib/nx-match.c).</summary>
public sealed class MatchSemanticsTests
{
    [Theory]
    [InlineData("dl_vlan=5", 0x1005, 0x1fff)]
    [InlineData("dl_vlan=0xffff", 0x0000, 0x1fff)]
    [InlineData("dl_vlan=0x1005", 0x1005, 0x1fff)]
    [InlineData("vlan_tci=0", 0x0000, 0x1fff)]
    [InlineData("vlan_tci=0/0x1000", 0x0000, 0x1000)]
    [InlineData("vlan_tci=0x1000/0x1000", 0x1000, 0x1000)]
    [InlineData("vlan_tci=0xf005", 0xf005, 0xffff)]
    [InlineData("dl_vlan_pcp=3", 0x7000, 0xf000)]
    [InlineData("dl_vlan=9,dl_vlan_pcp=7", 0xf009, 0xffff)]
    [InlineData("dl_vlan_pcp=7,dl_vlan=9", 0xf009, 0xffff)]
    [InlineData("vlan_vid=0x1005/0x1fff", 0x1005, 0x1fff)]
    [InlineData("vlan_vid=5", 0x0005, 0x1fff)]
    [InlineData("vlan_vid=0x1000/0x1000", 0x1000, 0x1000)]
    public void VLAN_matches(string match, int tci, int mask)
    {
        FlowMod flow = Parse(match);
        Assert.Equal(tci, flow.Match.Value.Key.Vlan0Tci.Host);
        Assert.Equal(mask, flow.Match.Mask.Key.Vlan0Tci.Host);
    }

    [Theory]
    [InlineData("tp_dst=80")]
    [InlineData("ip,tp_dst=80")]
    [InlineData("arp,tp_dst=80")]
    [InlineData("ip,nw_proto=47,tp_dst=80")]
    [InlineData("nw_src=1.2.3.4")]
    [InlineData("ipv6,nw_dst=1.2.3.4")]
    [InlineData("ip,ipv6_src=fd00::1")]
    [InlineData("nw_tos=32,nw_ttl=3,ip_frag=no,nw_ecn=1")]
    [InlineData("udp,tcp_flags=+syn")]
    [InlineData("icmp6,icmp_type=136,icmp_code=0,nd_sll=00:00:00:00:00:01")]
    [InlineData("icmp6,icmp_type=135,icmp_code=1,nd_target=fd00::1")]
    [InlineData("mpls_label=5")]
    [InlineData("ip,ct_state=+est+trk,ct_tp_src=5")]
    public void Fields_of_layers_that_are_not_pinned_vanish_with_a_warning(string match)
    {
        var warnings = new List<string>();
        FlowMod flow = new FlowTextParser(warn: warnings.Add).ParseFlow(match + " actions=drop");
        Assert.Single(warnings);
        string[] dropped = ["tp_", "nw_src", "nw_dst", "ipv6_src", "nw_t", "nw_frag", "nw_ecn", "tcp_flags", "nd_", "mpls_label", "ct_tp"];
        string text = new FlowTextFormatter().Format(ref flow.Match);
        Assert.DoesNotContain(dropped, d => text.Contains(d, StringComparison.Ordinal));
    }

    [Fact]
    public void Network_addresses_keep_only_their_mask()
    {
        FlowMod flow = Parse("ip,nw_src=10.1.2.3/8,nw_dst=1.2.3.4/255.0.0.255");
        Assert.Equal(0x0a000000u, flow.Match.Value.Key.NwSrc.Host);
        Assert.Equal(0xff000000u, flow.Match.Mask.Key.NwSrc.Host);
        Assert.Equal(0x01000004u, flow.Match.Value.Key.NwDst.Host);
        Assert.Equal(0xff0000ffu, flow.Match.Mask.Key.NwDst.Host);
    }

    [Fact]
    public void TOS_is_DSCP_in_place()
    {
        FlowMod flow = Parse("ip,nw_tos=35,nw_ecn=1");
        Assert.Equal(0x21, flow.Match.Value.Key.NwTos);
        Assert.Equal(0xff, flow.Match.Mask.Key.NwTos);
        flow = Parse("ip,ip_dscp=8");
        Assert.Equal((0x20, 0xfc), (flow.Match.Value.Key.NwTos, flow.Match.Mask.Key.NwTos));
    }

    [Fact]
    public void Writing_TOS_leaves_ECN_alone()
    {
        var set = Assert.IsType<OfSetField>(Parse("ip", "mod_nw_tos:32").Actions[0]);
        PipelineFlow flow = default;
        flow.Key.NwTos = 3;
        set.Field.SetMasked(ref flow, set.Value, set.Mask);
        Assert.Equal(0x23, flow.Key.NwTos);
        Fields.Of(FieldId.NwTos).Set(ref flow, 0xff);
        Assert.Equal(0xff, flow.Key.NwTos);
        Assert.Equal((UInt128)0xfc, Fields.Of(FieldId.NwTos).Get(ref flow));
    }

    [Fact]
    public void Writing_a_VLAN_makes_the_tag_present()
    {
        PipelineFlow flow = default;
        Fields.Of(FieldId.DlVlan).Set(ref flow, 5);
        Assert.Equal(0x1005, flow.Key.Vlan0Tci.Host);
        Fields.Of(FieldId.VlanPcp).Set(ref flow, 2);
        Assert.Equal(0x5005, flow.Key.Vlan0Tci.Host);
        Fields.Of(FieldId.VlanVid).Set(ref flow, 7);
        Assert.Equal(0x5007, flow.Key.Vlan0Tci.Host);
    }

    [Fact]
    public void Registers_overlap_by_name()
    {
        FlowMod flow = Parse("xreg0=0x100000002/0xf0000000f,reg2[4..7]=5,reg2[12]=1");
        Assert.Equal((UInt128)1, Fields.Of(FieldId.Reg0).Get(ref flow.Match.Value));
        Assert.Equal((UInt128)0xf, Fields.Of(FieldId.Reg0).Get(ref flow.Match.Mask));
        Assert.Equal((UInt128)0x1050, Fields.Of(FieldId.Reg2).Get(ref flow.Match.Value));
        Assert.Equal((UInt128)0x10f0, Fields.Of(FieldId.Reg2).Get(ref flow.Match.Mask));
    }

    [Fact]
    public void Names_of_OpenFlow_basic_class_match_too()
    {
        FlowMod a = Parse("ip,NXM_OF_IP_SRC[]=0x0a000001,OXM_OF_IPV4_DST[8..31]=0x0a0000");
        FlowMod b = Parse("ip,nw_src=10.0.0.1,nw_dst=10.0.0.0/24");
        Assert.True(Match.Same(ref a.Match, ref b.Match));
    }

    [Theory]
    [InlineData("in_port=LOCAL", 0xfffeu)]
    [InlineData("in_port=65534", 0xfffeu)]
    [InlineData("in_port=4294967294", 0xfffeu)]
    [InlineData("in_port=p7", 7u)]
    [InlineData("in_port=\"p7\"", 7u)]
    public void In_port_is_exact_in_sixteen_bits(string match, uint port)
    {
        FlowMod flow = new FlowTextParser(new PortNames(new Dictionary<string, uint> { ["p7"] = 7 })).ParseFlow(match + " actions=drop");
        Assert.Equal(port, flow.Match.Value.Key.InPort.Host);
        Assert.Equal(uint.MaxValue, flow.Match.Mask.Key.InPort.Host);
    }

    [Fact]
    public void Cookie_of_modify_is_what_to_set_or_what_to_find()
    {
        FlowMod set = new FlowTextParser().ParseFlow("modify cookie=7,ip actions=drop");
        Assert.Equal((7UL, 0UL, 7UL), (set.Cookie, set.CookieMask, set.NewCookie));
        FlowMod find = new FlowTextParser().ParseFlow("modify cookie=7/-1,ip actions=drop");
        Assert.Equal((7UL, ulong.MaxValue, (ulong?)null), (find.Cookie, find.CookieMask, find.NewCookie));
    }

    [Fact]
    public void Mod_vlan_vid_pushes_where_no_tag_is_pinned()
    {
        Assert.Equal([new OfPushVlan(0x8100), new OfSetField(Fields.Of(FieldId.VlanVid), 5, 0xfff, OfSetSpelling.Mod)], Parse("", "mod_vlan_vid:5").Actions);
        Assert.Equal([new OfSetField(Fields.Of(FieldId.DlVlan), 5, 0xfff, OfSetSpelling.Mod, PushVlanIfNeeded: true)], Parse("dl_vlan=1", "mod_vlan_vid:5").Actions);
    }

    [Fact]
    public void Queues_are_kept_and_an_enqueue_is_three_actions()
    {
        Assert.Equal([new OfSetQueue(3), new OfOutput(1), new OfPopQueue()], Parse("", "set_queue:3,output:1,pop_queue").Actions);
        Assert.Equal(Parse("", "set_queue:3,output:1,pop_queue").Actions, Parse("", "enqueue:1:3").Actions);
        Assert.Equal(Parse("", "set_queue:3,output:1,pop_queue").Actions, Parse("", "enqueue(1,3)").Actions);
    }

    private static FlowMod Parse(string match, string actions = "drop") => new FlowTextParser().ParseFlow($"{match} actions={actions}");
}
