using Mergeflow.Engine;
using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.Chain;

namespace Mergeflow.Tests;

/// <summary>One test per way in which a merge can go wrong silently.</summary>
public sealed class MergeHazardTests
{
    private static FlowKey Base => Mask(m =>
    {
        m.Key.InPort = new Be32(~0u);
        m.Key.RecircId = new Be32(~0u);
        m.Key.DlType = new Be16(0xffff);
        m.Key.NwFrag = (NwFrag)0xff;
    });

    private static FlowKey With(FlowKey key, Func<FlowKey, FlowKey> change) => change(key);

    [Fact]
    public void Partial_masks_on_one_field_over_two_passes_are_united()
    {
        FlowKey packet = Tcp(dst: "10.1.2.3");
        using Chain c = new(packet);
        FlowKey first = With(Base, m => { m.NwDst = Ip("255.0.0.0"); return m; });
        FlowKey second = With(Base, m => { m.NwDst = Ip("0.0.0.255"); return m; });
        c.Pass(packet, first, 0, Recirc(1));
        packet.RecircId = Be32.FromHost(1);
        c.Pass(packet, second, 0, Output(2));
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
        c.Pass(packet, Base, 0, SetDst("192.168.0.9"), Recirc(1));
        packet.RecircId = Be32.FromHost(1);
        packet.NwDst = Ip("192.168.0.9");
        c.Pass(packet, With(Base, m => { m.NwDst = new Be32(~0u); return m; }), 0, Output(2));
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
        c.Pass(packet, Base, 0, SetDst("192.168.0.9"), Recirc(1));
        packet.RecircId = Be32.FromHost(1);
        c.Pass(packet, With(Base, m => { m.NwDst = new Be32(~0u); return m; }), 0, Output(2));
        Assert.Equal(OffloadReason.BrokenTrace, c.Refused().Reason);
        Assert.Equal(1, c.Refused().Pass);
    }

    [Fact]
    public void Ct_pins_the_tuple_no_fragment_and_the_flags_that_open_and_close()
    {
        FlowKey packet = Tcp();
        using Chain c = new(packet);
        c.Pass(packet, Base, 0, CtAction(), Recirc(1));
        c.Ct(0, Established());
        packet.RecircId = Be32.FromHost(1);
        packet.CtState = CtState.Trk | CtState.Est;
        packet.CtZone = Be16.FromHost(5);
        c.Pass(packet, With(Base, m => { m.CtState = (CtState)0xff; m.CtZone = new Be16(0xffff); return m; }), 0, Output(2));
        MergedFlow rule = c.Merge();
        Assert.True(rule.IsExact);
        Assert.True(rule.RequiresCsum);
        Assert.Equal(Be16.FromHost(0x17), rule.Mask.TcpFlags);
        Assert.Equal(Be16.FromHost(0x10), rule.Value.TcpFlags);
        Assert.Equal((NwFrag)0xff, rule.Mask.NwFrag);
        Assert.Equal(new Be16(0xffff), rule.Mask.TpSrc);
        Assert.Equal(new Be32(~0u), rule.Mask.NwSrc);
        Assert.Equal(CtState.None, rule.Mask.CtState);
        Assert.Equal(7, Assert.Single(rule.Conns).ConnId);
        Assert.Equal([DpOp.Output], rule.Program.Select(a => a.Op));
    }
}
