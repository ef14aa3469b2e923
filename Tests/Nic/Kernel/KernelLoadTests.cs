using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A program for a new mask is verified beside the rule queue; frames by BPF_PROG_TEST_RUN.</summary>
public sealed class KernelLoadTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rules_of_a_mask_that_is_known_come_and_go_while_a_program_for_another_one_is_verified(bool isTc)
    {
        using KernelLoadBench bench = new(isTc);
        bench.Create(1, new FlowItemUdp { Src = 1 });
        bench.Expect((NicOperation.Create, 1));
        bench.Hold();
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        bench.Create(3, new FlowItemUdp { Src = 3 });
        Assert.Equal([(NicOperation.Create, 3, true)], bench.Poll());
        Assert.True(bench.Takes(src: 3, dst: 9));
        Assert.False(bench.Takes(src: 9, dst: 2));
        bench.Destroy(3);
        Assert.Equal([(NicOperation.Destroy, 3, true)], bench.Poll());
        Assert.False(bench.Takes(src: 3, dst: 9));
        bench.Release();
        bench.Expect((NicOperation.Create, 2));
        Assert.True(bench.Takes(src: 9, dst: 2));
        Assert.Equal(2, bench.Nic.RuleCount);
    }

    [Fact]
    public void A_rule_that_goes_before_there_is_a_program_for_it_is_never_used()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Hold();
        bench.Create(1, new FlowItemUdp { Src = 1 });
        bench.Create(2, new FlowItemUdp { Src = 2 });
        Assert.Empty(bench.Poll());
        bench.Destroy(1);
        Assert.Equal([(NicOperation.Create, 1, true), (NicOperation.Destroy, 1, true)], bench.Poll());
        bench.Release();
        bench.Expect((NicOperation.Create, 2));
        Assert.False(bench.Takes(src: 1, dst: 9));
        Assert.True(bench.Takes(src: 2, dst: 9));
        Assert.Equal(1, bench.Nic.RuleCount);
    }

    [Fact]
    public void A_mask_that_comes_while_a_program_is_verified_is_in_the_next_one()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Hold();
        bench.Create(1, new FlowItemUdp { Src = 1 });
        Assert.Empty(bench.Poll());
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        Assert.Empty(bench.Poll());
        bench.Release();
        bench.Expect((NicOperation.Create, 1));
        bench.Expect((NicOperation.Create, 2));
        Assert.True(bench.Takes(src: 1, dst: 9));
        Assert.True(bench.Takes(src: 9, dst: 2));
    }

    [Fact]
    public void Rules_without_a_program_fail_and_their_places_are_free_again()
    {
        using KernelLoadBench bench = new(isTc: true, rules: 4);
        bench.Create(1, new FlowItemUdp { Src = 1 });
        bench.Expect((NicOperation.Create, 1));
        bench.Break();
        for (int round = 0; round < 6; round++)
        {
            bench.Create(2, new FlowItemUdp { Dst = 2 });
            bench.Create(3, new FlowItemUdp { Dst = 3 });
            bench.Expect((NicOperation.Create, 2), isDone: false);
            bench.Expect((NicOperation.Create, 3), isDone: false);
        }

        Assert.True(bench.Takes(src: 1, dst: 2));
        Assert.False(bench.Takes(src: 9, dst: 2));
        Assert.Equal((1, 1), (bench.Nic.RuleCount, bench.Nic.TemplateCount));
        bench.Repair();
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        bench.Expect((NicOperation.Create, 2));
        Assert.True(bench.Takes(src: 9, dst: 2));
    }

    /// <summary>The copies of hits are asked for meanwhile: the program that was begun before makes none, so it is not put in place.</summary>
    [Fact]
    public void What_is_asked_for_while_a_program_is_verified_is_in_the_one_that_comes()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Hold();
        bench.Create(1, new FlowItemUdp { Src = 1 });
        Assert.Empty(bench.Poll());
        bench.LetNext();
        bench.Nic.SetShadow(1);
        int samplesIn = bench.Nic.Program.Count;
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        bench.Release();
        bench.Expect((NicOperation.Create, 1));
        bench.Expect((NicOperation.Create, 2), behindEach: () => Assert.True(bench.Nic.Program.Count >= samplesIn, "copies of hits are made no more"));
        Assert.True(bench.Takes(src: 1, dst: 9));
    }

    /// <summary>Where no frame meets the program, rules are there at once and it is written later: one that was begun before is not it.</summary>
    [Fact]
    public void A_mask_that_comes_while_no_port_is_attached_is_not_lost_to_a_program_that_was_begun_before()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Hold();
        bench.Create(1, new FlowItemUdp { Src = 1 });
        Assert.Empty(bench.Poll());
        bench.RemovePort();
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        Assert.Equal([(NicOperation.Create, 2, true)], bench.Poll());
        bench.Release();
        bench.Expect((NicOperation.Create, 1));
        bench.AddPort();
        Assert.True(bench.Takes(src: 1, dst: 9));
        Assert.True(bench.Takes(src: 9, dst: 2));
    }

    /// <summary>The same of a rule whose mask is that of one that waits.</summary>
    [Fact]
    public void A_rule_that_comes_while_no_port_is_attached_is_used_by_the_first_program_that_is_attached()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Hold();
        bench.Create(1, new FlowItemUdp { Src = 1 });
        Assert.Empty(bench.Poll());
        bench.RemovePort();
        bench.Create(2, new FlowItemUdp { Src = 2 });
        Assert.Equal([(NicOperation.Create, 2, true)], bench.Poll());
        bench.LetNext();
        bench.AddPort();
        Assert.True(bench.Takes(src: 2, dst: 9));
        bench.Release();
        bench.Expect((NicOperation.Create, 1));
        Assert.True(bench.Takes(src: 1, dst: 9));
    }

    /// <summary>What is asked for now has not been tried: a program of before says nothing of it.</summary>
    [Fact]
    public void A_program_that_is_refused_when_it_is_outdated_fails_no_rule()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Hold();
        bench.Create(1, new FlowItemUdp { Src = 1 });
        Assert.Empty(bench.Poll());
        bench.RemovePort();
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        Assert.Equal([(NicOperation.Create, 2, true)], bench.Poll());
        bench.Break(programs: 1);
        bench.Release();
        bench.Expect((NicOperation.Create, 1));
        Assert.True(bench.Takes(src: 1, dst: 9));
        Assert.True(bench.Takes(src: 9, dst: 2));
    }

    [Fact]
    public void A_program_that_is_refused_fails_the_rules_that_it_was_for_and_no_others()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Hold();
        bench.Create(1, new FlowItemUdp { Src = 1 });
        Assert.Empty(bench.Poll());
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        bench.Create(3, new FlowItemUdp { Src = 3 });
        Assert.Empty(bench.Poll());
        bench.Break(programs: 1);
        bench.Release();
        bench.Expect((NicOperation.Create, 1), isDone: false);
        bench.Expect((NicOperation.Create, 3), isDone: false);
        bench.Expect((NicOperation.Create, 2));
        Assert.False(bench.Takes(src: 1, dst: 9));
        Assert.True(bench.Takes(src: 9, dst: 2));
        Assert.Equal((1, 1), (bench.Nic.RuleCount, bench.Nic.TemplateCount));
    }

    [Fact]
    public void A_program_that_is_refused_at_once_fails_no_rule_of_a_mask_that_is_known()
    {
        using KernelLoadBench bench = new(isTc: true, isAside: false);
        bench.Create(1, new FlowItemUdp { Src = 1 });
        Assert.Equal([(NicOperation.Create, 1, true)], bench.Poll());
        bench.Break();
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        bench.Create(3, new FlowItemUdp { Src = 3 });
        Assert.Equal([(NicOperation.Create, 2, false), (NicOperation.Create, 3, true)], bench.Poll());
        Assert.True(bench.Takes(src: 3, dst: 9));
        Assert.False(bench.Takes(src: 9, dst: 2));
    }

    [Fact]
    public void Rules_that_wait_have_places_in_the_queue_until_they_are_there_or_gone()
    {
        using KernelLoadBench bench = new(isTc: true, depth: 2);
        bench.Hold();
        bench.Create(1, new FlowItemUdp { Src = 1 });
        Assert.Empty(bench.Poll());
        bench.Create(2, new FlowItemUdp { Src = 2 });
        Assert.Empty(bench.Poll());
        Assert.False(bench.TryCreate(3, new FlowItemUdp { Src = 3 }));
        bench.Destroy(1);
        Assert.Equal([(NicOperation.Create, 1, true), (NicOperation.Destroy, 1, true)], bench.Poll());
        bench.Create(3, new FlowItemUdp { Src = 3 });
        Assert.Empty(bench.Poll());
        Assert.False(bench.TryCreate(4, new FlowItemUdp { Src = 4 }));
        bench.Release();
        bench.Expect((NicOperation.Create, 2));
        bench.Expect((NicOperation.Create, 3));
        Assert.True(bench.TryCreate(4, new FlowItemUdp { Src = 4 }));
    }

    [Fact]
    public void Who_asks_for_the_whole_truth_hears_of_a_rule_that_waits_only_that_an_answer_is_to_come()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Create(1, new FlowItemUdp { Src = 1 });
        bench.Expect((NicOperation.Create, 1));
        bench.Hold();
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        Assert.Empty(bench.Poll());
        NicResync waits = bench.Nic.Resync(1);
        Assert.Equal([1ul], waits.Rules.Select(static r => r.UserData));
        Assert.Empty(waits.Completions);
        Assert.Equal((1, 1), (waits.PendingCount, bench.Nic.RuleCount));

        // One that goes is carried out, not only asked for, as all that needs no program is.
        bench.Destroy(2);
        bench.Create(3, new FlowItemUdp { Src = 3 });
        NicResync gone = bench.Nic.Resync(1);
        Assert.Equal([(NicOperation.Create, 2ul), (NicOperation.Destroy, 2ul), (NicOperation.Create, 3ul)], gone.Completions.Select(static c => (c.Operation, c.UserData)));
        Assert.Equal([1ul, 3ul], gone.Rules.Select(static r => r.UserData));
        Assert.Equal((0, 2), (gone.PendingCount, bench.Nic.RuleCount));
    }

    /// <summary>The next program would be written for rings that are not there, and refused.</summary>
    [Fact]
    public void Copies_that_there_are_no_rings_for_are_not_asked_for()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Nic.NewSamples = static () => throw new BpfException("no rings", 1, null);
        Assert.Throws<BpfException>(() => bench.Nic.SetShadow(5));
        Assert.Throws<BpfException>(() => bench.Nic.SetCapture(7));
        Assert.Equal((0, 0, 0), (bench.Nic.ShadowOneIn, bench.Nic.CaptureOneIn, bench.Nic.SampledOneIn));
        bench.Create(1, new FlowItemUdp { Src = 1 });
        bench.Expect((NicOperation.Create, 1));
        Assert.True(bench.Takes(src: 1, dst: 9));
    }

    /// <summary>The kernel takes no program with the mask that waits: who asks for copies, or adds a port with sockets, has nothing to do with that rule.</summary>
    [Fact]
    public void A_mask_that_waits_and_has_no_program_stops_neither_copies_nor_a_port()
    {
        using KernelLoadBench bench = new(isTc: true);
        bench.Create(1, new FlowItemUdp { Src = 1 });
        bench.Expect((NicOperation.Create, 1));
        bench.Nic.SetShadow(5);
        int oneMask = bench.Nic.Program.Count;
        bench.Nic.SetShadow(0);
        bench.Hold();
        bench.Create(2, new FlowItemUdp { Dst = 2 });
        Assert.Empty(bench.Poll());
        bench.LimitTo(oneMask);
        bench.LetNext();
        bench.Nic.SetShadow(5);
        Assert.Equal(oneMask, bench.Nic.Program.Count);
        bench.LetNext();
        bench.AddPortWithSockets();
        Assert.True(bench.Takes(src: 1, dst: 9));
        bench.Release();
        bench.Expect((NicOperation.Create, 2), isDone: false);
        Assert.True(bench.Takes(src: 1, dst: 9));
        bench.RemoveSockets();
    }
}
