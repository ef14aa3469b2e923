using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class SteadyClockTests
{
    private const long YearMs = 365L * 86_400_000;

    [Fact]
    public void It_follows_a_clock_that_runs()
    {
        var clock = new SteadyClock();
        foreach (long ms in new[] { 0L, 1, 5, 5, 1_000_000, YearMs, 50 * YearMs }) Assert.Equal(ms, clock.Of(ms));
    }

    /// <summary>A thread that was held up between reading the clock and saying so.</summary>
    [Fact]
    public void A_little_behind_is_the_latest_time()
    {
        var clock = new SteadyClock();
        clock.Of(20_000);
        Assert.Equal(20_000, clock.Of(20_000 - SteadyClock.MaxSkewMs));
        Assert.Equal(20_000, clock.Of(19_999));
        Assert.Equal(20_001, clock.Of(20_001));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(YearMs)]
    [InlineData(50 * YearMs)]
    public void A_clock_that_was_set_back_goes_on_from_there(long atMs)
    {
        var clock = new SteadyClock();
        clock.Of(atMs + SteadyClock.MaxSkewMs);
        long set = -YearMs;
        Assert.Equal(atMs + SteadyClock.MaxSkewMs, clock.Of(set));
        Assert.Equal(atMs + SteadyClock.MaxSkewMs + 7, clock.Of(set + 7));
        Assert.Equal(atMs + SteadyClock.MaxSkewMs + 5007, clock.Of(set + 5007));
    }

    /// <summary>A process that was stopped for a minute: a thread that had read the clock before says so behind one that has read it since.</summary>
    [Fact]
    public void A_clock_that_is_never_set_does_not_run_away_when_threads_were_stopped()
    {
        var clock = new SteadyClock { NeverGoesBack = true };
        clock.Of(100_000);
        for (long ms = 160_000; ms < 900_000; ms += 60_000)
        {
            Assert.Equal(ms, clock.Of(ms));
            Assert.Equal(ms, clock.Of(ms - 60_000));
            Assert.Equal(ms, clock.Of(clock.Of(ms)));
        }
    }

    [Fact]
    public void A_running_switch_has_such_a_clock()
    {
        using Control.LiveSwitch live = new(new DatapathOptions { Ports = [], PmdCount = 1, PacketCapacity = 256, ConnectionCapacity = 100 });
        long now = Control.LiveSwitch.NowMs + 60_000;
        Assert.Equal(now, live.Datapath.Clock.Of(now));
        Assert.Equal(now, live.Datapath.Clock.Of(now - 60_000));
        Assert.Equal(now + 1, live.Datapath.Clock.Of(now + 1));
    }

    [Fact]
    public void Any_times_give_times_that_do_not_go_back()
    {
        var random = new Random(1);
        var clock = new SteadyClock();
        long last = 0;
        long[] odd = [long.MinValue, long.MinValue + 1, -1, 0, 1, SteadyClock.MaxMs, long.MaxValue - 1, long.MaxValue];
        for (int i = 0; i < 20_000; i++)
        {
            long given = random.Next(4) switch { 0 => odd[random.Next(odd.Length)], 1 => random.NextInt64(long.MinValue, long.MaxValue), _ => random.NextInt64(0, YearMs) };
            long now = clock.Of(given);
            Assert.True(now >= last, $"{given}: {now} after {last}");
            last = now;
        }
    }

    /// <summary>
    /// Threads that read one clock, which is set back by a day again and again: each sees time go on, none sees it go back, and it does not run away. All
    /// meet before each step back, and the clock goes less than the skew between two of them, so that no thread is ever taken for a step back.
    /// </summary>
    [Fact]
    public void Threads_agree()
    {
        const int Threads = 4, Days = 3000, ReadsPerDay = 80, StepMs = 3, DayMs = 86_400_000;
        const long RunsMs = (long)Threads * ReadsPerDay * StepMs;
        Assert.True(RunsMs < SteadyClock.MaxSkewMs);
        var clock = new SteadyClock();
        long wallMs = 0;
        bool[] wentBack = new bool[Threads];
        using var midnight = new Barrier(Threads, _ => wallMs -= DayMs);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(n => new Thread(() =>
        {
            long last = 0;
            for (int day = 0; day < Days; day++)
            {
                for (int i = 0; i < ReadsPerDay; i++)
                {
                    long now = clock.Of(Interlocked.Add(ref wallMs, StepMs));
                    wentBack[n] |= now < last;
                    last = now;
                }

                midnight.SignalAndWait();
            }
        }))];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        Assert.Equal(Days, midnight.CurrentPhaseNumber);
        Assert.Equal((RunsMs - DayMs) * Days, wallMs);
        Assert.DoesNotContain(true, wentBack);

        // A step back is noticed by one of the first reads behind it: what the others had gone on by then is all that can be missing.
        Assert.InRange(clock.Of(wallMs + DayMs), (RunsMs - (Threads * StepMs)) * Days, RunsMs * Days);
    }
}
