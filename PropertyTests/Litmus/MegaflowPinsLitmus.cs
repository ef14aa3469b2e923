using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Pins of <see cref="MegaflowTable"/>: the owner deletes a megaflow and wants its slot for another one, the offload side retains it, lives through a
/// grace period, credits and lets go.
/// </summary>
public sealed class MegaflowPinsLitmus
{
    private static readonly Explorer s_explorer = new() { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 4000, RandomRuns = 500 };

    [Fact]
    public void Credits_reach_the_megaflow_that_was_retained() => s_explorer.Explore(static () => Run(pins: true)).MustHold();

    [Fact]
    public void Credits_without_a_pin_are_caught() => s_explorer.Explore(static () => Run(pins: false)).MustBeCaught("another");

    private static LitmusRun Run(bool pins)
    {
        QuiescentState quiescent = new();
        QuiescentState.Reader reader = quiescent.Register();
        var table = new MegaflowTable(1, quiescent);
        FlowKey key = default;
        Megaflow first = table.Add(ref key, ref key, default, 0)!;
        (int id, uint generation) = (first.Id, first.Generation);
        ulong reported = 0;
        table.Reclaiming = m => reported = table.CountersOf(m).Packets;
        bool isRetained = false, isDone = false;
        ulong stray = 0;
        return new LitmusRun(
            [
                () =>
                {
                    table.Delete(first);
                    Megaflow? next;
                    for (SpinWait spin = default; ; Interleaving.Wait(ref spin, "full"))
                    {
                        table.Reclaim();
                        FlowKey other = default;
                        if ((next = table.Add(ref other, ref other, default, 0)) is not null) break;
                    }

                    Volatile.Write(ref isDone, true);
                    Interleaving.Step("look");
                    stray = table.CountersOf(next).Packets;
                },
                () =>
                {
                    Interleaving.Step("begin");
                    isRetained = pins ? table.TryRetain(id, generation) : table.IsCurrent(id, generation);
                    if (isRetained)
                    {
                        reader.Announce();
                        table.Credit(id, generation, 3, 180, 1);
                        if (pins) table.Release(id, generation);
                    }

                    for (SpinWait spin = default; ; Interleaving.Wait(ref spin, "idle"))
                    {
                        reader.Announce();
                        if (Volatile.Read(ref isDone)) return;
                    }
                },
            ],
            () =>
            {
                LitmusViolation.Unless(stray == 0 && table.CountersOf(table[id]!).Packets == 0, "another megaflow was credited");
                LitmusViolation.Unless(!isRetained || reported == 3, "the credit was lost");
            },
            table);
    }
}
