using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary><see cref="WakeLatch"/>: whatever two others leave for a thread while it goes to sleep, it finds; a wake-up that is lost is a thread that sleeps for ever.</summary>
public sealed class WakeLatchLitmus
{
    private const int Items = 2;

    [Fact]
    public void No_wake_up_is_lost() => Explorer().Explore(static () => Run()).MustHold();

    /// <summary>What the other has left is still in its store buffer when the sleeper looks, and the other does not see it asleep.</summary>
    [Fact]
    public void A_sleeper_that_does_not_fence_is_caught() => Explorer("S2").Explore(static () => Run()).MustBeCaught("deadlock");

    [Fact]
    public void A_sleeper_that_does_not_look_again_is_caught() => Explorer().Explore(static () => Run(looksAgain: false)).MustBeCaught("deadlock");

    [Fact]
    public void Who_wakes_before_it_leaves_something_is_caught() => Explorer().Explore(static () => Run(wakesFirst: true)).MustBeCaught("deadlock");

    private static Explorer Explorer(params string[] missing) => new() { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 3000, RandomRuns = 500, MissingFences = missing };

    private static LitmusRun Run(bool looksAgain = true, bool wakesFirst = false)
    {
        WakeLatch latch = new();
        int[] left = GC.AllocateArray<int>(2, pinned: true);
        PollSet set = new();
        return new LitmusRun(
        [
            () =>
            {
                int found = 0;
                while (found < Items)
                {
                    found = Found();
                    if (found == Items) return;
                    latch.Announce();
                    int again = looksAgain ? Found() : found;
                    if (again > found) latch.Cancel();
                    else latch.Sleep(set);
                }
            },
            () => Leave(0),
            () => Leave(1),
        ], Owned: latch);

        int Found()
        {
            Interleaving.Step("look 0");
            int first = Volatile.Read(ref left[0]);
            Interleaving.Step("look 1");
            return first + Volatile.Read(ref left[1]);
        }

        void Leave(int who)
        {
            if (wakesFirst) latch.Set();
            Interleaving.Store(ref left[who], 1, "leave");
            if (!wakesFirst) latch.Set();
        }
    }
}
