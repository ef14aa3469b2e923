using System.Diagnostics;
using System.Runtime.InteropServices;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

[Collection(nameof(AloneCollection))]
public sealed class ClockAndPinningTests
{
    [Fact]
    public void Pinning_is_granted_for_an_allowed_CPU_and_refused_for_others()
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
    public void A_thread_with_short_turns_has_them_and_what_it_had_before()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/proc/thread-self/sched"), "/proc/thread-self/sched is not there");
        string[] before = [], after = [], usual = [];
        bool isTaken = false;
        var thread = new Thread(() =>
        {
            // A thread begins with the turns of the one that began it, which here is any.
            ThreadPolicy.TryUsualTurns();
            before = File.ReadAllLines("/proc/thread-self/sched");
            isTaken = ThreadPolicy.TryShortenTurns();
            after = File.ReadAllLines("/proc/thread-self/sched");
            ThreadPolicy.TryUsualTurns();
            usual = File.ReadAllLines("/proc/thread-self/sched");
        });
        thread.Start();
        thread.Join();
        Assert.Equal(Field("policy", before), Field("policy", after));
        Assert.Equal(Field("prio", before), Field("prio", after));
        Assert.SkipWhen(!isTaken || Field("se.slice", before) is null, "threads have no turns of their own here");
        Assert.Equal("100000", Field("se.slice", after));
        Assert.NotEqual("100000", Field("se.slice", before));
        Assert.Equal(Field("se.slice", before), Field("se.slice", usual));

        static string? Field(string name, string[] lines) => lines.Where(l => l.Split(':')[0].Trim() == name).Select(static l => l.Split(':')[1].Trim()).FirstOrDefault();
    }

    [Fact]
    public void TSC_advances_at_its_stated_rate()
    {
        Assert.InRange(TscClock.FrequencyHz, 1e8, 1e11);
        if (OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64) Assert.True(TscClock.IsHardware);

        // Each reading lies between two of the system's clock, however long it is held up: the span is known from both sides.
        const double leastNs = 20e6, tolerance = 0.02;
        long beforeFrom = Stopwatch.GetTimestamp();
        ulong from = TscClock.Now;
        long afterFrom = Stopwatch.GetTimestamp();
        long beforeTo;
        do beforeTo = Stopwatch.GetTimestamp();
        while (Ns(afterFrom, beforeTo) < leastNs);
        ulong to = TscClock.Now;
        long afterTo = Stopwatch.GetTimestamp();
        Assert.InRange(TscClock.ToNs(to - from), (1 - tolerance) * Ns(afterFrom, beforeTo), (1 + tolerance) * Ns(beforeFrom, afterTo));

        static double Ns(long start, long end) => Stopwatch.GetElapsedTime(start, end).TotalNanoseconds;
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
        long ms = MonotonicClock.NowMs;
        Assert.InRange(ms, ns / 1_000_000, MonotonicClock.NowNs / 1_000_000);
    }
}
