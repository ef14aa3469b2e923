using Xunit;
using static Mergeflow.Tests.PipelineBed;

namespace Mergeflow.Tests;

/// <summary>References on recirculation ids, and what makes a megaflow stale.</summary>
public sealed class RecircAndRevalidationTests
{
    [Fact]
    public void An_id_lives_as_long_as_references_and_a_grace_period_more()
    {
        using PipelineBed bed = new("ip,actions=ct(table=1)\ntable=1,actions=output:2");
        RecircStore store = bed.Recirc;
        _ = bed.Actions(Tcp());
        uint id = bed.Result.RecircIds[0];
        Assert.True(store.Acquire(id));
        bed.Result.Reset();
        Assert.Equal(1, store.References(id));
        Assert.Equal(0, store.Sweep(0));
        store.Release(id);
        Assert.Equal(0, store.Sweep(1000));
        Assert.Equal(0, store.Sweep(1000 + RecircStore.GraceMs - 1));
        FlowKey key = Tcp();
        key.RecircId = Native.Be32.FromHost(id);
        Assert.Equal("2", bed.Actions(key));
        Assert.Equal(1, store.Sweep(1000 + RecircStore.GraceMs));
        Assert.Equal("drop", bed.Actions(key));
        Assert.False(store.Acquire(id));
        Assert.Throws<InvalidOperationException>(() => store.Release(id));
    }

    [Fact]
    public void A_state_that_is_needed_again_keeps_its_id()
    {
        using PipelineBed bed = new("ip,actions=ct(table=1)");
        _ = bed.Actions(Tcp());
        uint id = bed.Result.RecircIds[0];
        bed.Result.Reset();
        bed.Recirc.Sweep(0);
        _ = bed.Actions(Tcp());
        Assert.Equal([id], bed.Result.RecircIds);
        Assert.Equal(0, bed.Recirc.Sweep(10_000));
    }

    [Theory]
    [InlineData("add priority=1,arp,actions=output:3", true)]
    [InlineData("modify tcp,actions=output:3", false)]
    [InlineData("delete tcp", false)]
    [InlineData("add priority=40000,tcp,tp_src=7,actions=output:3", false)]
    [InlineData("add priority=40000,udp,actions=drop", true)]
    [InlineData("add priority=40000,tcp,nw_src=10.0.0.0/8,actions=output:2", true)]
    [InlineData("add priority=40000,tcp,nw_src=10.0.0.0/16,actions=output:2", false)]
    public void A_megaflow_stays_if_program_and_mask_still_hold(string change, bool valid)
    {
        using PipelineBed bed = new("tcp,nw_src=10.0.0.0/8,actions=output:2");
        FlowKey key = Tcp();
        _ = bed.Actions(key);
        DpAction[] actions = bed.Result.Actions.ToArray();
        FlowKey mask = bed.Result.Mask;
        bed.Mod(change);
        using XlateResult scratch = new();
        Assert.Equal(valid, Revalidation.StillValid(ref key, 100, bed.Translator, scratch, actions, ref mask, 0));
    }

    [Fact]
    public void Another_choice_of_exclusion_bits_does_not_disturb_a_megaflow()
    {
        using PipelineBed bed = new("priority=9,tcp,tp_dst=0/0x8000,actions=output:3\npriority=8,tcp,tp_src=1/1,tp_dst=0/0x8000,actions=output:4\npriority=1,tcp,actions=output:2");
        FlowKey key = Tcp(dport: 0x8050);
        Assert.Equal("2", bed.Actions(key));
        Assert.Equal("41:ff 54:80", bed.Mask());
        DpAction[] actions = bed.Result.Actions.ToArray();
        FlowKey mask = bed.Result.Mask;

        bed.Mod("delete_strict priority=9,tcp,tp_dst=0/0x8000");
        Assert.Equal("2", bed.Actions(key));
        Assert.Equal("41:ff 53:01", bed.Mask());
        using XlateResult scratch = new();
        Assert.True(Revalidation.StillValid(ref key, 100, bed.Translator, scratch, actions, ref mask, 0));
        Assert.True(FlowKey.Same(ref mask, ref scratch.Mask));
    }

    [Fact]
    public void A_translation_leaves_no_garbage()
    {
        using PipelineBed bed = new("""
            priority=9,tcp,nw_src=10.9.0.0/16,actions=drop
            ip,actions=mod_nw_tos:4,push_vlan:0x8100,group:1,clone(output:4),push:NXM_NX_REG0[],ct(table=1)
            """, "group_id=1,type=all,bucket=mod_dl_dst:0a:00:00:00:00:01,output:2,bucket=output:3");
        FlowKey key = Tcp();
        for (int i = 0; i < 50; i++) bed.Translator.Translate(ref key, 100, bed.Result, 0);
        Assert.True(bed.Result.Actions.Length > 6);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) bed.Translator.Translate(ref key, 100, bed.Result, 0);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>The line that explains it is for <c>trace</c> alone.</summary>
    [Fact]
    public void A_resumed_translation_leaves_no_garbage()
    {
        using PipelineBed bed = new("table=0,tcp,actions=ct(table=1)\ntable=1,tcp,actions=group:1", "group_id=1,type=all,bucket=output:2,bucket=output:3");
        FlowKey key = Tcp();
        bed.Translator.Translate(ref key, 100, bed.Result, 0);
        key = bed.Recirculated(key);
        using XlateResult resumed = new();
        for (int i = 0; i < 50; i++) bed.Translator.Translate(ref key, 100, resumed, 0);
        Assert.Equal(2, resumed.Actions.Length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) bed.Translator.Translate(ref key, 100, resumed, 0);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        resumed.Steps = [];
        bed.Translator.Translate(ref key, 100, resumed, 0);
        Assert.Contains(resumed.Steps, static s => s.Text == "Resuming from table 1");
    }
}
