using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Other tests of this process may take processors meanwhile: what is looked at are threads that these tests begin.</summary>
public sealed class PacketCpusTests
{
    [Fact]
    public void Other_threads_leave_the_processor_of_a_packet_thread_and_come_back_behind_it()
    {
        int[] all = PacketCpus.OfProcess;
        Assert.SkipUnless(all.Length > 1, "one processor");
        int cpu = all[^1];
        using ManualResetEventSlim isOver = new(), isTaken = new(), ends = new();
        int other = 0;
        using SemaphoreSlim begun = new(0);
        Thread bystander = Begin(() =>
        {
            other = ThreadPinning.CurrentThread;
            begun.Release();
            isOver.Wait();
        });
        begun.Wait(TestContext.Current.CancellationToken);
        int packets = 0;
        Thread packetThread = Begin(() =>
        {
            packets = ThreadPinning.CurrentThread;
            Assert.True(ThreadPinning.TryPin(cpu));
            using (PacketCpus.Take(cpu))
            {
                isTaken.Set();
                ends.Wait();
            }
        });
        try
        {
            isTaken.Wait(TestContext.Current.CancellationToken);
            Assert.Equal([cpu], ThreadPinning.AllowedCpus(packets));
            Assert.DoesNotContain(cpu, ThreadPinning.AllowedCpus(other));
            Assert.Equal(all, PacketCpus.OfProcess);

            // One that begins now is kept off as well.
            int[] late = [];
            Begin(() => late = ThreadPinning.AllowedCpus()).Join();
            Assert.NotEmpty(late);
            Assert.DoesNotContain(cpu, late);
        }
        finally
        {
            ends.Set();
            packetThread.Join();
        }

        Eventually.True(() => ThreadPinning.AllowedCpus(other).SequenceEqual(all), "it may run everywhere again");
        isOver.Set();
        bystander.Join();
    }

    [Fact]
    public void Where_packet_threads_have_all_processors_the_others_share_them()
    {
        int[] all = PacketCpus.OfProcess;
        Assert.SkipUnless(all.Length > 1, "one processor");
        using ManualResetEventSlim ends = new();
        using SemaphoreSlim taken = new(0);
        Thread[] threads = [.. all.Select(cpu => Begin(() =>
        {
            Assert.True(ThreadPinning.TryPin(cpu));
            using (PacketCpus.Take(cpu))
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
            Begin(() => late = ThreadPinning.AllowedCpus()).Join();
            Assert.Equal(all, late);
        }
        finally
        {
            ends.Set();
            foreach (Thread thread in threads) thread.Join();
        }
    }

    [Fact]
    public void A_thread_that_somebody_has_bound_stays_where_it_is()
    {
        int[] all = PacketCpus.OfProcess;
        Assert.SkipUnless(all.Length > 1, "one processor");
        int cpu = all[^1];
        int[] bound = [], behind = [];
        Begin(() =>
        {
            Assert.True(ThreadPinning.TryPin(cpu));
            Begin(() =>
            {
                Assert.True(ThreadPinning.TryPin(cpu));
                using (PacketCpus.Take(cpu)) bound = ThreadPinning.AllowedCpus();
            }).Join();
            behind = ThreadPinning.AllowedCpus();
        }).Join();
        Assert.Equal([cpu], bound);
        Assert.Equal([cpu], behind);
    }

    private static Thread Begin(Action body)
    {
        Thread thread = new(() => body());
        thread.Start();
        return thread;
    }
}
