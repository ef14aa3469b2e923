using System.Diagnostics;
using System.IO.Pipes;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What ends a thread's sleep.</summary>
public sealed class WakeLatchTests
{
    [Fact]
    public void A_sleep_ends_when_its_time_is_up_and_not_much_before()
    {
        using WakeLatch latch = new();
        PollSet set = new();
        set.AtMost(30);
        long begin = Stopwatch.GetTimestamp();
        latch.Announce();
        Assert.True(latch.IsAsleep);
        latch.Sleep(set);
        Assert.True(Stopwatch.GetElapsedTime(begin).TotalMilliseconds > 25);
        Assert.False(latch.IsAsleep);
    }

    [Fact]
    public void A_descriptor_that_becomes_readable_ends_it()
    {
        using AnonymousPipeServerStream from = new(PipeDirection.In);
        using AnonymousPipeClientStream to = new(PipeDirection.Out, from.ClientSafePipeHandle);
        using WakeLatch latch = new();
        PollSet set = new();
        for (int i = 0; i < 5; i++) set.Add((int)from.SafePipeHandle.DangerousGetHandle());
        to.WriteByte(1);
        Assert.True(Sleeps(latch, set) < PollSet.LongestMs / 2);
        from.ReadByte();
        Assert.True(Sleeps(latch, set) > PollSet.LongestMs / 2);
    }

    /// <summary>The port of a device that is gone reports an error for ever: that must not keep its thread awake.</summary>
    [Fact]
    public void A_descriptor_with_nothing_but_an_error_does_not()
    {
        AnonymousPipeServerStream from = new(PipeDirection.In);
        using AnonymousPipeClientStream to = new(PipeDirection.Out, from.ClientSafePipeHandle);
        from.Dispose();
        using WakeLatch latch = new();
        PollSet set = new();
        set.Add((int)to.SafePipeHandle.DangerousGetHandle());
        Assert.True(Sleeps(latch, set) > 5);
    }

    [Fact]
    public void Who_wakes_a_thread_that_has_cancelled_its_sleep_costs_it_one_sleep_and_no_more()
    {
        using WakeLatch latch = new();
        PollSet set = new();
        latch.Announce();
        latch.Set();
        latch.Cancel();
        Assert.True(Sleeps(latch, set) < PollSet.LongestMs / 2);
        Assert.True(Sleeps(latch, set) > PollSet.LongestMs / 2);
    }

    [Fact]
    public void A_latch_that_is_gone_wakes_nobody()
    {
        WakeLatch latch = new();
        latch.Announce();
        latch.Dispose();
        latch.Set();
        Assert.False(latch.IsAsleep);
    }

    private static double Sleeps(WakeLatch latch, PollSet set)
    {
        long begin = Stopwatch.GetTimestamp();
        latch.Announce();
        latch.Sleep(set);
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }
}
