using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>What control has a packet thread do (<see cref="PmdCalls"/>): when it is done, no packet goes by what control took away before it asked.</summary>
public sealed class PmdCallsLitmus
{
    private const int Batches = 3;

    private static readonly Explorer s_explorer = new() { MaxPreemptions = 4, MaxRuns = 6000, RandomRuns = 500 };

    [Fact]
    public void What_control_took_away_no_packet_uses_behind_a_call() => s_explorer.Explore(static () => Run(asksWithinBatch: false)).MustHold();

    [Fact]
    public void A_thread_that_does_it_within_a_batch_is_caught() => s_explorer.Explore(static () => Run(asksWithinBatch: true)).MustBeCaught("revoked");

    [Fact]
    public void Control_that_does_not_wait_is_caught() => s_explorer.Explore(static () => Run(asksWithinBatch: false, waits: false)).MustBeCaught("revoked");

    /// <summary>Control goes to sleep behind the wake-up and before the call is gone.</summary>
    [Fact]
    public void A_thread_that_wakes_before_it_answers_is_caught() => s_explorer.Explore(static () => Run(asksWithinBatch: false, calls: new WakesFirst())).MustBeCaught("deadlock");

    [Fact]
    public void A_call_in_slices_has_a_batch_between_two_of_them_and_is_done_once() => s_explorer.Explore(static () => Slices(new PmdCalls())).MustHold();

    [Fact]
    public void A_thread_that_answers_after_the_first_slice_is_caught() => s_explorer.Explore(static () => Slices(new PmdCalls(), forgets: true)).MustBeCaught("not done");

    private static LitmusRun Slices(PmdCalls calls, bool forgets = false)
    {
        calls.Attach();
        int slices = 0, batches = 0, batchesAtFirst = -1;
        bool ends = false;
        return new LitmusRun(
        [
            () =>
            {
                calls.Begin(() =>
                {
                    if (++slices == 1) batchesAtFirst = batches;
                    else LitmusViolation.Unless(ends || batches > batchesAtFirst, "no batch between two slices");
                    return slices < 2 && !forgets ? Slice.NotYet : slices;
                });
                LitmusViolation.Unless(calls.End() == 2 && slices == 2, "the call was not done");
            },
            () =>
            {
                for (; batches < Batches; batches++) calls.Step(0);
                ends = true;
                calls.Detach();
            },
        ], Owned: calls);
    }

    private static LitmusRun Run(bool asksWithinBatch, bool waits = true, PmdCalls? calls = null)
    {
        calls ??= new PmdCalls();
        calls.Attach();
        int revoked = 0, acknowledged = 0, done = 0;
        return new LitmusRun(
        [
            () =>
            {
                Interleaving.Step("revoke");
                Volatile.Write(ref revoked, 1);
                calls.Begin(() => ++done);
                if (waits) LitmusViolation.Unless(calls.End() == 1, "the call was not done");
                Interleaving.Step("acknowledge");
                Volatile.Write(ref acknowledged, 1);
                calls.Wait();
                calls.Begin(() => ++done);
                LitmusViolation.Unless(calls.End() == 2, "the second call was not done once");
            },
            () =>
            {
                for (int i = 0; i < Batches; i++)
                {
                    Interleaving.Step("look");
                    bool mayUse = Volatile.Read(ref revoked) == 0;
                    if (asksWithinBatch) calls.Step(0);
                    Interleaving.Step("use");
                    LitmusViolation.Unless(!mayUse || Volatile.Read(ref acknowledged) == 0, "a packet goes by what is revoked and acknowledged");
                    if (!asksWithinBatch) calls.Step(0);
                }

                calls.Detach();
            },
        ], Owned: calls);
    }

    private sealed class WakesFirst : PmdCalls
    {
        protected override void Answer()
        {
            Wake();
            TakeAway();
        }
    }
}
