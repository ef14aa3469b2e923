using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>The explorer itself: it finds what x86 allows and nothing else.</summary>
public sealed class ExplorerTests
{
    /// <summary>Two threads of three marked accesses each: the binomial coefficient of 6 over 3.</summary>
    [Fact]
    public void Every_order_is_run_once()
    {
        HashSet<string> orders = [];
        List<string> order = [];
        ExplorerResult result = new Explorer().Explore(() =>
        {
            order.Clear();
            return new LitmusRun([() => Three("a"), () => Three("b")], () => LitmusViolation.Unless(orders.Add(string.Join(' ', order)), "an order came twice"));
        });
        result.MustHoldInEveryOrder();
        Assert.Equal((20, 20), (orders.Count, result.Runs));

        void Three(string name)
        {
            for (int i = 0; i < 3; i++)
            {
                if (i > 0) Interleaving.Step("next");
                order.Add(name);
            }
        }
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 8)]
    public void Preemptions_are_bounded(int most, int runs)
    {
        ExplorerResult result = new Explorer { MaxPreemptions = most }.Explore(static () => new LitmusRun([Four, Four]));
        result.MustHoldInEveryOrder();
        Assert.Equal(runs, result.Runs);

        static void Four()
        {
            for (int i = 0; i < 3; i++) Interleaving.Step("next");
        }
    }

    /// <summary>Store, then load of the other's word: without a fence both loads may come first.</summary>
    [Fact]
    public void A_missing_fence_is_found_with_store_buffers() => Dekker(fence: false, buffers: true).MustBeCaught("both");

    [Fact]
    public void A_fence_keeps_a_load_behind_a_store() => Dekker(fence: true, buffers: true).MustHoldInEveryOrder();

    /// <summary>Orders of whole accesses alone do not show it: that is what the store buffers are for.</summary>
    [Fact]
    public void Without_store_buffers_it_cannot_be_seen() => Dekker(fence: false, buffers: false).MustHoldInEveryOrder();

    /// <summary>x86 keeps stores in order, and so does the model.</summary>
    [Fact]
    public void Stores_of_one_thread_are_seen_in_order()
        => new Explorer { StoreBuffers = true }.Explore(static () =>
        {
            int[] words = GC.AllocateArray<int>(2, pinned: true);
            return new LitmusRun(
            [
                () =>
                {
                    Interleaving.Store(ref words[0], 1, "data");
                    Interleaving.Store(ref words[1], 1, "flag");
                },
                () =>
                {
                    int flag = Volatile.Read(ref words[1]);
                    Interleaving.Step("data");
                    LitmusViolation.Unless(flag == 0 || Volatile.Read(ref words[0]) == 1, "the flag came before the data");
                },
            ]);
        }).MustHoldInEveryOrder();

    [Fact]
    public void Two_threads_that_wait_for_each_other_are_found()
        => new Explorer().Explore(static () =>
        {
            int[] words = GC.AllocateArray<int>(2, pinned: true);
            return new LitmusRun([() => Take(words, 0, 1), () => Take(words, 1, 0)]);

            static void Take(int[] words, int mine, int other)
            {
                Volatile.Write(ref words[mine], 1);
                Interleaving.Step("look");
                SpinWait spin = default;
                while (Volatile.Read(ref words[other]) != 0) Interleaving.Wait(ref spin, "wait");
                Volatile.Write(ref words[mine], 0);
            }
        }).MustBeCaught("deadlock");

    [Fact]
    public void Drawn_orders_find_it_too_and_repeat_themselves()
    {
        ExplorerResult first = Draw(), second = Draw();
        first.MustBeCaught("both");
        Assert.Equal(first, second);

        static ExplorerResult Draw() => Dekker(fence: false, new Explorer { StoreBuffers = true, MaxRuns = 1, RandomRuns = 500, Seed = 7 });
    }

    private static ExplorerResult Dekker(bool fence, bool buffers) => Dekker(fence, new Explorer { StoreBuffers = buffers });

    private static ExplorerResult Dekker(bool fence, Explorer explorer) => explorer.Explore(() =>
    {
        int[] words = GC.AllocateArray<int>(2, pinned: true);
        int[] seen = [1, 1];
        return new LitmusRun(
            [() => Side(0), () => Side(1)],
            () => LitmusViolation.Unless(seen[0] + seen[1] > 0, "both threads missed the other's store"));

        void Side(int mine)
        {
            Interleaving.Store(ref words[mine], 1, "store");
            if (fence) Interleaving.Fence("fence");
            Interleaving.Step("load");
            seen[mine] = Volatile.Read(ref words[1 - mine]);
        }
    });
}
