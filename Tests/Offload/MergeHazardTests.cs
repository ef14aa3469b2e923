using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.Chain;

namespace Mergeflow.Tests;

/// <summary>One test per way in which a merge can go wrong silently.</summary>
public sealed class MergeHazardTests
{
    [Fact]
    public void Partial_masks_on_one_field_over_two_passes_are_united()
    {
        FlowKey packet = Tcp(dst: "10.1.2.3");
        using Chain c = new(packet);
        c.Pass(packet, With(BaseMask, m => { m.NwDst = Ip("255.0.0.0"); return m; }), 0, Recirc(1));
        packet.RecircId = Be32.FromHost(1);
        c.Pass(packet, With(BaseMask, m => { m.NwDst = Ip("0.0.0.255"); return m; }), 0, Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal(Ip("255.0.0.255"), rule.Mask.NwDst);
        Assert.Equal(Ip("10.0.0.3"), rule.Value.NwDst);
        Assert.Equal(default, rule.Mask.RecircId);
        Assert.False(rule.IsExact);
    }

    [Fact]
    public void A_match_after_a_rewrite_is_pulled_back_and_contributes_nothing()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, SetDst("192.168.0.9"), Recirc(1));
        packet.RecircId = Be32.FromHost(1);
        packet.NwDst = Ip("192.168.0.9");
        c.Pass(packet, With(BaseMask, m => { m.NwDst = new Be32(~0u); return m; }), 0, Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal(default, rule.Mask.NwDst);
        Assert.Equal([DpOp.SetIpv4, DpOp.Output], rule.Program.Select(a => a.Op));
        Assert.Equal(Ip("192.168.0.9"), rule.Program[0].Ipv4.Dst);
    }

    [Fact]
    public void A_match_that_contradicts_the_rewrite_is_a_broken_trace()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, SetDst("192.168.0.9"), Recirc(1));
        packet.RecircId = Be32.FromHost(1);
        c.Pass(packet, With(BaseMask, m => { m.NwDst = new Be32(~0u); return m; }), 0, Output(2));
        Assert.Equal(new MergeRefusal(OffloadReason.BrokenTrace, 1, "ip_dst"), c.Refused());
    }

    [Fact]
    public void No_matched_field_is_dropped_whatever_lane_it_is_in()
    {
        FlowKey packet = Tcp();
        packet.DlType = Be16.FromHost(EthType.Ipv6);
        packet.NwSrc = packet.NwDst = default;
        packet.Ipv6Src = Ipv6Address.FromUInt128(1);
        packet.Ipv6Label = Be32.FromHost(0x12345);
        packet.Vlan0Tci = Be16.FromHost(0x1005);
        packet.Vlan1Tci = Be16.FromHost(0x1006);
        packet.NdTarget = Ipv6Address.FromUInt128(9);
        FlowKey mask = BaseMask;
        mask.Ipv6Src = Ipv6Address.FromUInt128(UInt128.MaxValue);
        mask.Ipv6Label = new Be32(~0u);
        mask.Vlan0Tci = mask.Vlan1Tci = new Be16(0xffff);
        mask.NdTarget = Ipv6Address.FromUInt128(UInt128.MaxValue);
        using Chain c = new(packet);
        c.Pass(packet, mask, 0, Output(2));
        MergedFlow rule = c.Merge();
        mask.RecircId = default;
        Assert.True(FlowKey.Same(ref mask, ref rule.Mask));
    }

    [Fact]
    public void Untagged_is_part_of_the_match()
    {
        FlowKey packet = Tcp();
        FlowKey mask = BaseMask;
        mask.Vlan0Tci = Be16.FromHost(0x1000);
        using Chain c = new(packet);
        c.Pass(packet, mask, 0, Output(2));
        MergedFlow rule = c.Merge();
        packet.Vlan0Tci = Be16.FromHost(0x1005);
        Assert.False(Hits(rule, packet));
    }

    [Fact]
    public void Pushing_a_tag_pins_that_there_was_none_and_moves_the_later_match_inwards()
    {
        FlowKey packet = Tcp();
        packet.Vlan0Tci = Be16.FromHost(0x1005);
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, PushVlan(7), Recirc(1));
        FlowKey seen = packet;
        seen.RecircId = Be32.FromHost(1);
        seen.Vlan1Tci = packet.Vlan0Tci;
        seen.Vlan0Tci = Be16.FromHost(0x1007);
        FlowKey mask = BaseMask;
        mask.Vlan0Tci = mask.Vlan1Tci = new Be16(0xffff);
        c.Pass(seen, mask, 4, Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal(new Be16(0xffff), rule.Mask.Vlan0Tci);
        Assert.Equal(Be16.FromHost(0x1005), rule.Value.Vlan0Tci);
        Assert.Equal(Be16.FromHost(0x1000), rule.Mask.Vlan1Tci);
        Assert.Equal(default, rule.Value.Vlan1Tci);
    }

    [Fact]
    public void A_double_tagged_packet_never_hits_a_rule_of_overlapping_megaflows()
    {
        FlowKey packet = Tcp();
        packet.Vlan0Tci = Be16.FromHost(0x1005);
        FlowKey mask = BaseMask;
        mask.Vlan0Tci = new Be16(0xffff);
        FlowKey doubleTagged = packet;
        doubleTagged.Vlan1Tci = Be16.FromHost(0x1006);
        using Chain c = new(packet);
        c.Flows.Find(c.Pass(packet, mask, 0, Output(2)))!.TagsOverlap = true;
        MergedFlow rule = c.Merge();
        Assert.True(Hits(rule, packet));
        Assert.False(Hits(rule, doubleTagged));

        using Chain d = new(doubleTagged);
        d.Flows.Find(d.Pass(doubleTagged, mask, 0, Output(2)))!.TagsOverlap = true;
        Assert.Equal(OffloadReason.UnsupportedMatch, d.Refused().Reason);
    }

    [Fact]
    public void A_megaflow_that_other_tags_share_by_chance_is_not_merged()
    {
        FlowKey packet = Tcp();
        packet.Vlan0Tci = Be16.FromHost(0x1005);
        FlowKey mask = BaseMask;
        mask.Vlan0Tci = Be16.FromHost(0x1fff);
        using Chain c = new(packet);
        c.Flows.Find(c.Pass(packet, mask, 0, Output(2)))!.TagIsOpen = true;
        Assert.Equal(OffloadReason.UnsupportedMatch, c.Refused().Reason);
    }

    [Fact]
    public void Popping_a_tag_pulls_the_inner_match_out()
    {
        FlowKey packet = Tcp();
        packet.Vlan0Tci = Be16.FromHost(0x1005);
        packet.Vlan1Tci = Be16.FromHost(0x1006);
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, Simple(DpOp.PopVlan), Recirc(1));
        FlowKey seen = packet;
        seen.RecircId = Be32.FromHost(1);
        seen.Vlan0Tci = packet.Vlan1Tci;
        seen.Vlan1Tci = default;
        c.Pass(seen, With(BaseMask, m => { m.Vlan0Tci = new Be16(0xffff); return m; }), -4, SetVlan(9), Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal(new Be16(0xffff), rule.Mask.Vlan1Tci);
        Assert.Equal(Be16.FromHost(0x1000), rule.Mask.Vlan0Tci);
        Assert.Equal([DpOp.PopVlan, DpOp.SetVlan, DpOp.Output], rule.Program.Select(a => a.Op));
        Assert.Equal(-4, rule.Passes[1].LengthDeltaBytes);
    }

    [Fact]
    public void A_mirror_keeps_its_copy_of_the_unchanged_packet()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, Output(9), SetDst("1.2.3.4"), Output(2));
        Assert.Equal([DpOp.Output, DpOp.SetIpv4, DpOp.Output], c.Merge().Program.Select(a => a.Op));
    }

    [Fact]
    public void A_copy_that_was_rewritten_does_not_spoil_the_packet_that_goes_on()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        DpAction clone = new() { Op = DpOp.Clone, NestedCount = 2 };
        c.Pass(packet, BaseMask, 0, clone, SetDst("1.2.3.4"), Output(9), Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal([DpOp.Clone, DpOp.SetIpv4, DpOp.Output, DpOp.Output], rule.Program.Select(a => a.Op));
        Assert.Equal(2, rule.Program[0].NestedCount);
    }

    [Fact]
    public void Actions_behind_a_recirculation_see_the_packet_as_it_was()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, Recirc(1), Output(3));
        packet.RecircId = Be32.FromHost(1);
        c.Pass(packet, BaseMask, 0, SetDst("1.2.3.4"), Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal([DpOp.Clone, DpOp.SetIpv4, DpOp.Output, DpOp.Output], rule.Program.Select(a => a.Op));
        Assert.Equal((2u, 3u), (rule.Program[2].Port, rule.Program[3].Port));
    }

    [Fact]
    public void Dead_stores_and_stores_of_known_values_are_gone()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, With(BaseMask, m => { m.NwDst = new Be32(~0u); return m; }), 0, SetDst("1.1.1.1"), SetDst("2.2.2.2"), SetDst("10.0.0.2"), Output(2));
        Assert.Equal([DpOp.Output], c.Merge().Program.Select(a => a.Op));
    }

    [Fact]
    public void A_trace_older_than_the_megaflow_is_stale()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        int id = c.Pass(packet, BaseMask, 0, Output(2));
        c.Flows.Set(id, 2, packet, BaseMask, Output(3));
        Assert.Equal(OffloadReason.StaleTrace, c.Refused().Reason);
        c.Flows.Remove(id);
        Assert.Equal(OffloadReason.StaleTrace, c.Refused().Reason);
    }

    [Fact]
    public void The_reply_direction_from_another_port_does_not_match()
    {
        using Chain c = Tracked(Tcp(), Established(reply: true));
        MergedFlow rule = c.Merge();
        FlowKey other = Tcp();
        other.InPort = Be32.FromHost(4);
        Assert.False(Hits(rule, other));
        Assert.True(rule.Conns[0].Reply);
        Assert.Equal([1u, 2u], rule.Ports);
    }

    [Fact]
    public void A_megaflow_that_is_visited_twice_counts_twice()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        FlowKey mask = With(BaseMask, m => { m.RecircId = default; return m; });
        int first = c.Pass(packet, BaseMask, 0, Recirc(1), PushVlan(3), Recirc(2));
        int second = c.Pass(packet, mask, 0, Output(2));
        c.Again(second, 4);
        MergedFlow rule = c.Merge();
        Assert.Equal(3, rule.PassCount);
        Assert.Equal((first, 1, 0), (rule.Passes[0].MegaflowId, rule.Passes[0].Multiplicity, rule.Passes[0].LengthDeltaBytes));
        Assert.Equal((second, 2, 4), (rule.Passes[1].MegaflowId, rule.Passes[1].Multiplicity, rule.Passes[1].LengthDeltaBytes));
    }

    [Fact]
    public void A_rewrite_of_a_malformed_header_is_not_merged_and_a_good_one_pins_the_protocol()
    {
        FlowKey packet = Tcp();
        using Chain good = new(packet);
        good.Pass(packet, BaseMask, 0, SetDst("1.2.3.4"), Output(2));
        Assert.Equal(0xff, good.Merge().Mask.NwProto);
        packet.Bytes.Slice(32, 32).Clear();
        using Chain bad = new(packet);
        bad.Pass(packet, BaseMask, 0, SetDst("1.2.3.4"), Output(2));
        Assert.Equal(OffloadReason.Malformed, bad.Refused().Reason);
    }

    /// <summary>A packet too short for ports has 0 for both and would have been left alone: it must not match behind the rewrite what one with ports does.</summary>
    [Fact]
    public void A_match_on_a_rewritten_port_pins_both()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        DpAction set = new() { Op = DpOp.SetL4 };
        set.L4.Proto = IpProto.Tcp;
        (set.L4.Dst, set.L4.DstMask) = (Be16.FromHost(8080), new Be16(0xffff));
        c.Pass(packet, BaseMask, 0, set, Recirc(1));
        packet.RecircId = Be32.FromHost(1);
        packet.TpDst = Be16.FromHost(8080);
        c.Pass(packet, With(BaseMask, m => { m.TpDst = new Be16(0xffff); return m; }), 0, Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal((new Be16(0xffff), new Be16(0xffff)), (rule.Mask.TpSrc, rule.Mask.TpDst));
        Assert.Equal((Be16.FromHost(1000), Be16.FromHost(80)), (rule.Value.TpSrc, rule.Value.TpDst));
    }

    [Fact]
    public void A_drop_is_a_rule_without_outputs()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, Simple(DpOp.Drop));
        Assert.Empty(c.Merge().Program);
    }
}
