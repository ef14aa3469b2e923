using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.Chain;

namespace Mergeflow.Tests;

/// <summary>As <see cref="MergeHazardTests"/>, for connections: what a rule must pin of them, and what of them no rule may take.</summary>
public sealed class MergeConnectionHazardTests
{
    [Fact]
    public void FIN_and_RST_stay_visible_to_software()
    {
        using Chain c = Tracked(Tcp());
        MergedFlow rule = c.Merge();
        Assert.True(Hits(rule, Tcp(flags: 0x10)));
        Assert.True(Hits(rule, Tcp(flags: 0x18)));
        Assert.False(Hits(rule, Tcp(flags: 0x11)));
        Assert.False(Hits(rule, Tcp(flags: 0x14)));
        Assert.False(Hits(rule, Tcp(flags: 0x08)));
    }

    [Fact]
    public void A_SYN_on_a_closed_connection_reaches_software()
    {
        using Chain c = Tracked(Tcp());
        Assert.False(Hits(c.Merge(), Tcp(flags: 0x02)));
        using Chain syn = Tracked(Tcp(flags: 0x02));
        Assert.Equal(OffloadReason.CtTcpFlags, syn.Refused().Reason);
    }

    [Fact]
    public void Ct_pins_the_whole_tuple_and_requires_good_checksums()
    {
        using Chain c = Tracked(Tcp());
        MergedFlow rule = c.Merge();
        Assert.True(rule.IsExact);
        Assert.True(rule.RequiresCsum);
        Assert.Equal(CtState.None, rule.Mask.CtState);
        Assert.False(Hits(rule, Tcp(sport: 1001)));
        Assert.False(Hits(rule, Tcp(dst: "10.0.0.3")));
        Assert.Equal((7, 3u, false), (rule.Conns[0].ConnId, rule.Conns[0].Generation, rule.Conns[0].Reply));
    }

    [Fact]
    public void NAT_matches_the_untranslated_tuple_and_forwards_the_translated_one()
    {
        FlowKey packet = Tcp();
        CtVerdict v = Established();
        v.State |= CtState.SNat;
        v.Translated = true;
        v.SrcAfter = Ipv6Address.FromUInt128(((UInt128)0xc0a80001) << 96);
        v.DstAfter = Ipv6Address.FromUInt128(((UInt128)0x0a000002) << 96);
        v.TpSrcAfter = Be16.FromHost(4000);
        v.TpDstAfter = Be16.FromHost(80);
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, CtAction(DpCtFlags.Nat), Recirc(1));
        c.Ct(0, v);
        FlowKey seen = packet;
        seen.RecircId = Be32.FromHost(1);
        seen.NwSrc = Ip("192.168.0.1");
        seen.TpSrc = Be16.FromHost(4000);
        c.Pass(seen, With(BaseMask, m => { m.NwSrc = new Be32(~0u); m.TpSrc = new Be16(0xffff); return m; }), 0, Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal(Ip("10.0.0.1"), rule.Value.NwSrc);
        Assert.Equal(Be16.FromHost(1000), rule.Value.TpSrc);
        Assert.Equal([DpOp.SetIpv4, DpOp.SetL4, DpOp.Output], rule.Program.Select(a => a.Op));
        Assert.Equal(Ip("192.168.0.1"), rule.Program[0].Ipv4.Src);
        Assert.Equal(default, rule.Program[0].Ipv4.DstMask);
        Assert.Equal(Be16.FromHost(4000), rule.Program[1].L4.Src);
    }

    [Theory]
    [InlineData(CtState.Trk | CtState.New, OffloadReason.CtNotEstablished)]
    [InlineData(CtState.Trk | CtState.Inv, OffloadReason.CtInvalid)]
    [InlineData(CtState.Trk | CtState.Rel, OffloadReason.CtRelated)]
    [InlineData(CtState.None, OffloadReason.CtNotEstablished)]
    public void Only_established_packets_are_merged(CtState state, OffloadReason reason)
    {
        CtVerdict v = Established();
        v.State = state;
        using Chain c = Tracked(Tcp(), v);
        Assert.Equal(reason, c.Refused().Reason);
    }

    [Fact]
    public void A_connection_found_by_the_original_tuple_is_refused()
    {
        CtVerdict v = Established();
        v.ByOriginalTuple = true;
        using Chain c = Tracked(Tcp(), v);
        Assert.Equal(new MergeRefusal(OffloadReason.CtOriginalTuple, 0, "ct_orig_tuple"), c.Refused());
    }

    [Fact]
    public void A_commit_that_changes_the_connection_is_refused_and_one_that_does_not_is_merged()
    {
        foreach (bool changes in new[] { true, false })
        {
            FlowKey packet = Tcp();
            CtVerdict v = Established();
            v.Changed = changes;
            using Chain c = new(packet);
            c.Pass(packet, BaseMask, 0, CtAction(DpCtFlags.Commit), Output(2));
            c.Ct(0, v);
            if (changes) Assert.Equal(new MergeRefusal(OffloadReason.CtChangesConnection, 0, "ct(commit)"), c.Refused());
            else Assert.Single(c.Merge().Program);
        }
    }

    [Fact]
    public void Ct_metadata_must_be_what_the_tracker_said()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, CtAction(), Recirc(1));
        CtVerdict v = Established();
        v.Mark = 5;
        c.Ct(0, v);
        packet.RecircId = Be32.FromHost(1);
        packet.CtMark = Be32.FromHost(6);
        c.Pass(packet, With(BaseMask, m => { m.CtMark = new Be32(~0u); return m; }), 0, Output(2));
        Assert.Equal(new MergeRefusal(OffloadReason.BrokenTrace, 1, "ct_mark"), c.Refused());
    }

    [Fact]
    public void A_hash_pins_all_its_inputs()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, Simple(DpOp.Hash), Recirc(1));
        c.HashEvent(0, 0xabcd);
        packet.RecircId = Be32.FromHost(1);
        packet.DpHash = Be32.FromHost(0xabcd);
        c.Pass(packet, With(BaseMask, m => { m.DpHash = Be32.FromHost(0xff); return m; }), 0, Output(2));
        MergedFlow rule = c.Merge();
        Assert.Equal(default, rule.Mask.DpHash);
        Assert.True(rule.IsExact);
        Assert.False(rule.RequiresCsum);
        Assert.False(Hits(rule, Tcp(sport: 1001)));
        Assert.True(Hits(rule, Tcp(flags: 0x11)));
    }

    [Fact]
    public void Fragments_of_a_tracked_flow_go_to_software()
    {
        using Chain c = Tracked(Tcp());
        FlowKey fragment = Tcp();
        fragment.NwFrag = NwFrag.Any;
        Assert.False(Hits(c.Merge(), fragment));
        using Chain f = Tracked(fragment);
        Assert.Equal(OffloadReason.Fragment, f.Refused().Reason);
    }

    [Theory]
    [InlineData(DpOp.Truncate, OffloadReason.LengthDependent, "trunc")]
    [InlineData(DpOp.CheckPktLen, OffloadReason.LengthDependent, "check_pkt_len")]
    [InlineData(DpOp.Meter, OffloadReason.UnsupportedAction, "meter")]
    [InlineData(DpOp.Sample, OffloadReason.UnsupportedAction, "sample")]
    [InlineData(DpOp.Userspace, OffloadReason.UnsupportedAction, "userspace")]
    [InlineData(DpOp.TnlPush, OffloadReason.UnsupportedAction, "tnl_push")]
    public void What_depends_on_length_rate_or_chance_is_refused_by_name(DpOp op, OffloadReason reason, string detail)
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, Simple(op), Output(2));
        Assert.Equal(new MergeRefusal(reason, 0, detail), c.Refused());
    }

    [Fact]
    public void A_connection_with_a_gateway_is_refused()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, BaseMask, 0, CtAction(DpCtFlags.Commit | DpCtFlags.AlgFtp), Output(2));
        c.Ct(0, Established());
        Assert.Equal(OffloadReason.Alg, c.Refused().Reason);
    }

    [Fact]
    public void ICMP_is_not_tracked_in_hardware()
    {
        FlowKey packet = Tcp();
        packet.NwProto = IpProto.Icmp;
        using Chain c = Tracked(packet);
        Assert.Equal(OffloadReason.IcmpWithCt, c.Refused().Reason);
    }
}
