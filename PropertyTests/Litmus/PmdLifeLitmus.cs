using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A packet thread ends and another one starts in its place, while whoever looks after the switch has work for that place (<c>ThreadedSwitch.EndPmd</c>, <c>StartPmd</c>, <c>Datapath.ExpireUnattended</c>): all of it is done,
/// once, and nobody is at the tables of the place beside the thread.
/// </summary>
public sealed class PmdLifeLitmus
{
    private const int Batches = 2, Orders = 3;

    private static readonly Explorer s_explorer = new() { MaxPreemptions = 3, MaxRuns = 4000, RandomRuns = 1000 };

    [Fact]
    public void One_at_a_time_is_at_the_tables_and_every_order_is_done_once() => s_explorer.Explore(static () => Run(new PmdCalls())).MustHold();

    [Fact]
    public void An_order_that_finds_the_thread_ending_is_done_though_no_other_one_starts() => s_explorer.Explore(static () => Run(new PmdCalls(), restarts: false)).MustHold();

    [Fact]
    public void A_thread_that_leaves_an_order_undone_is_caught() => s_explorer.Explore(static () => Run(new LeavesAtOnce(), restarts: false)).MustBeCaught("deadlock");

    /// <summary>The thread has let go, and has a batch all the same.</summary>
    [Fact]
    public void A_thread_that_lets_go_before_its_last_batch_is_caught() => s_explorer.Explore(static () => Run(new PmdCalls(), letsGoEarly: true)).MustBeCaught("two at the tables");

    /// <summary>Control does the order itself, and the thread sees it and does it, too.</summary>
    [Fact]
    public void A_thread_that_starts_before_it_is_attached_is_caught() => s_explorer.Explore(static () => Run(new PmdCalls(), startsFirst: true)).MustBeCaught("not done once");

    /// <summary>A thread may have been attached since.</summary>
    [Fact]
    public void Control_that_looks_first_and_then_does_it_itself_is_caught() => s_explorer.Explore(static () => Run(new PmdCalls(), looksFirst: true)).MustBeCaught("two at the tables");

    private static LitmusRun Run(PmdCalls calls, bool letsGoEarly = false, bool startsFirst = false, bool looksFirst = false, bool restarts = true)
    {
        calls.Attach();
        int inside = 0, done = 0, ended = 0, started = 0;
        void Touch()
        {
            Interleaving.Step("in");
            LitmusViolation.Unless(Interlocked.Increment(ref inside) == 1, "two at the tables");
            Interleaving.Step("out");
            Interlocked.Decrement(ref inside);
        }

        int Order()
        {
            Touch();
            return ++done;
        }

        Action[] threads =
        [
            () =>
            {
                // The thread that ends.
                for (int i = 0; i < Batches; i++)
                {
                    if (letsGoEarly && i == Batches - 1) calls.Detach();
                    Touch();
                    if (!letsGoEarly || i < Batches - 1) calls.Step(0);
                }

                if (!letsGoEarly) calls.Detach();
                Interleaving.Step("ended");
                Volatile.Write(ref ended, 1);
            },
            () =>
            {
                // Who has work for the place.
                for (int i = 1; i <= Orders; i++)
                {
                    if (looksFirst && !calls.IsAttached)
                    {
                        Order();
                        continue;
                    }

                    calls.Begin(Order);
                    LitmusViolation.Unless(calls.End() == i, "an order was not done once");
                }
            },
            () =>
            {
                // Who joins the one and starts the other.
                Until(ref ended, "join");
                if (!startsFirst) calls.Attach();
                Interleaving.Step("start");
                Volatile.Write(ref started, 1);
                if (startsFirst) calls.Attach();
            },
            () =>
            {
                // The thread that starts.
                Until(ref started, "not started");
                for (int i = 0; i < Batches; i++)
                {
                    Touch();
                    calls.Step(0);
                }

                calls.Detach();
            },
        ];
        return new LitmusRun(threads[..(restarts ? threads.Length : 2)], () => LitmusViolation.Unless(done == Orders, $"{done} of {Orders} orders were done"), calls);
    }

    private static void Until(ref int word, string step)
    {
        for (SpinWait spin = default; Volatile.Read(ref word) == 0;) Interleaving.Wait(ref spin, step);
    }

    /// <summary>It ends as a thread does that has nothing to do.</summary>
    private sealed class LeavesAtOnce : PmdCalls
    {
        protected override void FinishWhatIsLeft()
        {
        }
    }
}
