using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

[Collection(nameof(AloneCollection))]
public sealed class PacketCpusTests
{
    [Fact]
    public async Task Other_threads_leave_the_processor_of_a_packet_thread_and_come_back_behind_it()
    {
        int[] all = PacketCpus.OfProcess;
        Assert.SkipUnless(all.Length > 1, "one processor");
        int cpu = all[^1];
        using ManualResetEventSlim isOver = new(), isTaken = new(), ends = new();
        int other = 0;
        using SemaphoreSlim begun = new(0);
        Task bystander = Begin(() =>
        {
            other = ThreadPinning.CurrentThread;
            begun.Release();
            isOver.Wait();
        });
        begun.Wait(TestContext.Current.CancellationToken);
        int packets = 0;
        Task packetThread = Begin(() =>
        {
            packets = ThreadPinning.CurrentThread;
            using (NotNull(PacketCpus.TryTake(cpu)))
            {
                isTaken.Set();
                ends.Wait();
            }
        });
        try
        {
            Assert.True(isTaken.Wait(10_000, TestContext.Current.CancellationToken));
            Assert.Equal([cpu], ThreadPinning.AllowedCpus(packets));
            Assert.DoesNotContain(cpu, ThreadPinning.AllowedCpus(other));
            Assert.Equal(all, PacketCpus.OfProcess);

            // One that begins now is kept off as well.
            int[] late = [];
            await Begin(() => late = ThreadPinning.AllowedCpus());
            Assert.NotEmpty(late);
            Assert.DoesNotContain(cpu, late);
        }
        finally
        {
            ends.Set();
            await packetThread;
        }

        Eventually.True(() => ThreadPinning.AllowedCpus(other).SequenceEqual(all), "it may run everywhere again");
        isOver.Set();
        await bystander;
    }

    [Fact]
    public async Task Where_packet_threads_have_all_processors_the_others_share_them()
    {
        int[] all = PacketCpus.OfProcess;
        Assert.SkipUnless(all.Length > 1, "one processor");
        using ManualResetEventSlim ends = new();
        using SemaphoreSlim taken = new(0);
        Task[] threads = [.. all.Select(cpu => Begin(() =>
        {
            using (NotNull(PacketCpus.TryTake(cpu)))
            {
                taken.Release();
                ends.Wait();
                Assert.Equal([cpu], ThreadPinning.AllowedCpus());
            }
        }))];
        try
        {
            foreach (int _ in all) taken.Wait(TestContext.Current.CancellationToken);
            int[] late = [];
            await Begin(() => late = ThreadPinning.AllowedCpus());
            Assert.Equal(all, late);
        }
        finally
        {
            ends.Set();
            await Task.WhenAll(threads);
        }
    }

    [Fact]
    public async Task A_thread_that_somebody_has_bound_stays_where_it_is()
    {
        int[] all = PacketCpus.OfProcess;
        Assert.SkipUnless(all.Length > 1, "one processor");
        int cpu = all[^1];
        int[] bound = [], behind = [];
        using ManualResetEventSlim ends = new();
        using SemaphoreSlim begun = new(0);
        Task bystander = Begin(() =>
        {
            Assert.True(ThreadPinning.TryPin(cpu));
            begun.Release();
            ends.Wait();
            behind = ThreadPinning.AllowedCpus();
        });
        await begun.WaitAsync(TestContext.Current.CancellationToken);
        await Begin(() =>
        {
            using (NotNull(PacketCpus.TryTake(cpu))) bound = ThreadPinning.AllowedCpus();
        });
        ends.Set();
        await bystander;
        Assert.Equal([cpu], bound);
        Assert.Equal([cpu], behind);
    }

    [Fact]
    public async Task A_processor_that_is_not_granted_is_nobodys()
    {
        int[] all = PacketCpus.OfProcess;
        IDisposable? taken = null;
        int[] behind = [];
        await Begin(() => (taken, behind) = (PacketCpus.TryTake(1023), ThreadPinning.AllowedCpus()));
        Assert.Null(taken);
        Assert.Equal(all, behind);
    }

    private static IDisposable NotNull(IDisposable? taken)
    {
        Assert.NotNull(taken);
        return taken;
    }

    /// <summary>A thread of its own, which is gone with what is begun on it; what fails there fails the test, which does not go on where that was bound.</summary>
    private static Task Begin(Action body) => Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.RunContinuationsAsynchronously, TaskScheduler.Default);
}
