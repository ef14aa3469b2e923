using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// <see cref="KernelTable"/>: while a processor looks rules up, the writer revokes a rule, takes its counters and uses its only slot for another rule. Each hit is in the counters of the rule that it was for.
/// </summary>
public sealed class KernelTableLitmus
{
    private const int Processor = 0;

    private static readonly NicProfile s_profile = NicProfile.Load("kernel");

    [Fact]
    public void No_hit_is_lost_and_none_counts_for_another_rule() => Explorer().Explore(static () => Run(waits: true)).MustHold();

    /// <summary>The program's P1 is past, its count is not, when the counters are taken (W3 left out).</summary>
    [Fact]
    public void A_writer_that_does_not_wait_is_caught() => Explorer().Explore(static () => Run(waits: false)).MustBeCaught("hits");

    /// <summary>The end of the rule is still in the writer's store buffer when it looks at the processors.</summary>
    [Fact]
    public void A_writer_without_the_fence_is_caught() => Explorer("W2").Explore(static () => Run(waits: true)).MustBeCaught("hits");

    [Fact]
    public void Behind_a_closed_gate_that_was_acknowledged_no_hit_counts() => Explorer().Explore(static () => RunGate(waits: true)).MustHold();

    [Fact]
    public void An_acknowledgement_that_does_not_wait_is_caught() => Explorer().Explore(static () => RunGate(waits: false)).MustBeCaught("behind");

    /// <summary>The closing of the gate is still in the store buffer when it is acknowledged.</summary>
    [Fact]
    public void An_acknowledgement_without_the_fence_is_caught() => Explorer("W2").Explore(static () => RunGate(waits: true)).MustBeCaught("behind");

    private static Explorer Explorer(params string[] missing) => new() { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 3000, RandomRuns = 500, MissingFences = missing };

    private static LitmusRun Run(bool waits)
    {
        PinnedBlock block = PinnedMemory.Allocate(KernelTable.TestBytes);
        KernelTable table = KernelTable.In(block, waits ? 1 : 0);
        (KernelTemplate template, CompiledRule first, KernelActions actions) = Rule(1);
        (_, CompiledRule second, _) = Rule(2);
        uint slot = table.Insert(template, ref first.Value, actions, 0, out _);
        LitmusViolation.Unless(slot != 0, "no room");
        ulong firstHits = 0, secondHits = 0, harvested = 0, left = 0;
        return new LitmusRun(
            [
                () =>
                {
                    table.Kill(slot);
                    table.Quiesce();
                    table.Read(slot, out harvested, out _, out _);
                    table.Remove(slot, template.HashOf(ref first.Value));
                    slot = table.Insert(template, ref second.Value, actions, 0, out _);
                },
                () =>
                {
                    for (int i = 0; i < 2; i++)
                    {
                        if (table.Visit(template, ref first.Value, Processor)) firstHits++;
                    }

                    if (table.Visit(template, ref second.Value, Processor)) secondHits++;
                },
            ],
            () =>
            {
                table.Read(slot, out left, out _, out _);
                LitmusViolation.Unless(harvested == firstHits && left == secondHits, $"hits: {firstHits} of the first rule, {harvested} harvested; {secondHits} of the second, {left} counted");
            },
            block);
    }

    /// <summary>A gate is closed and acknowledged: what is counted then is all that will ever be.</summary>
    private static LitmusRun RunGate(bool waits)
    {
        const ushort gate = 3;
        PinnedBlock block = PinnedMemory.Allocate(KernelTable.TestBytes);
        KernelTable table = KernelTable.In(block, waits ? 1 : 0);
        (KernelTemplate template, CompiledRule rule, KernelActions actions) = Rule(1);
        uint slot = table.Insert(template, ref rule.Value, actions, gate, out _);
        ulong acknowledged = 0, left = 0;
        return new LitmusRun(
            [
                () =>
                {
                    table.SetGate(gate, isOpen: false);
                    table.Quiesce();
                    table.Read(slot, out acknowledged, out _, out _);
                },
                () => table.Visit(template, ref rule.Value, Processor),
            ],
            () =>
            {
                table.Read(slot, out left, out _, out _);
                LitmusViolation.Unless(left == acknowledged, $"{left - acknowledged} hits behind the acknowledgement");
            },
            block);
    }

    private static (KernelTemplate Template, CompiledRule Rule, KernelActions Actions) Rule(ushort port)
    {
        FlowItem[] pattern = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), new FlowItemUdp { Src = port }];
        FlowRule rule = new(new FlowAttr(1, FlowTable.ExactMatch), pattern, [new FlowActionCount(), new FlowActionPort(2)]);
        if (FlowRuleCompiler.TryCompile(s_profile, rule, out CompiledRule? compiled) is { } error) throw new InvalidOperationException(error.Message);
        if (KernelActions.TryCompile(compiled!, out KernelActions? actions) is { } refused) throw new InvalidOperationException(refused.Message);
        return (new KernelTemplate(ref compiled!.Mask, FlowTable.ExactMatch, seed: 3), compiled, actions!);
    }
}
