using System.Diagnostics;
using System.Runtime.InteropServices;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class ClockAndPinningTests
{
    [Fact]
    public void Pinning_is_granted_for_an_allowed_cpu_and_refused_for_others()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sched_setaffinity is a Linux call");
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            int[] allowed = ThreadPinning.AllowedCpus();
            Assert.NotEmpty(allowed);
            int last = allowed[^1];
            Assert.True(ThreadPinning.TryPin(last));
            Assert.Equal([last], ThreadPinning.AllowedCpus());
            Assert.Equal(last, ThreadPinning.CurrentCpu());

            Assert.False(ThreadPinning.TryPin(-1));
            Assert.False(ThreadPinning.TryPin(1023));
            Assert.False(ThreadPinning.TryPin(100_000));
            Assert.False(ThreadPinning.TrySet([last, 1023]));
            Assert.False(ThreadPinning.TrySet([]));
            Assert.Equal([last], ThreadPinning.AllowedCpus());
            Assert.True(ThreadPinning.TrySet(allowed));
            Assert.Equal(allowed, ThreadPinning.AllowedCpus());
        }));
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    [Fact]
    public void Tsc_advances_at_its_stated_rate()
    {
        Assert.InRange(TscClock.FrequencyHz, 1e8, 1e11);
        if (OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64) Assert.True(TscClock.IsHardware);
        long start = Stopwatch.GetTimestamp();
        ulong from = TscClock.Now;
        Thread.Sleep(50);
        ulong to = TscClock.Now;
        double elapsedNs = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        Assert.InRange(TscClock.ToNs(to - from), 0.5 * elapsedNs, 1.02 * elapsedNs);
    }

    [Fact]
    public void Clocks_never_go_back_and_allocate_nothing()
    {
        long ns = MonotonicClock.NowNs;
        ulong ticks = TscClock.Now;
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool back = false;
        for (int i = 0; i < 10_000; i++)
        {
            long nextNs = MonotonicClock.NowNs;
            ulong nextTicks = TscClock.Now;
            back |= nextNs < ns || nextTicks < ticks;
            ns = nextNs;
            ticks = nextTicks;
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.False(back);
        Assert.InRange(MonotonicClock.NowMs - (ns / 1_000_000), 0, 10_000);
    }
}
