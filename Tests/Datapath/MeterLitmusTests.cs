using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Several threads at one meter: never a token more than there were, never one lost. The clock moves while they run; the time each step gives is
/// known, so the number of packets that pass is too.
/// </summary>
public sealed class MeterLitmusTests
{
    private const int Threads = 4;
    private const int PacketsPerThread = 200_000;
    private const int PacketsPerMs = 400;
    private const int Burst = 1000;
    private const int HeldMs = 20;

    [Fact]
    public void Threads_share_a_bucket() => Assert.Null(Run<AtomicSwap>());

    [Fact]
    public void A_swap_that_is_not_one_is_caught()
    {
        // The first thread stands between looking and writing while the others go on for some ms.
        using ManualResetEventSlim looked = new(), wentOn = new();
        Assert.NotNull(Run<TornSwap>(
            begin: thread =>
            {
                if (thread != 0) looked.Wait();
                else TornSwap.Interrupt(() =>
                {
                    looked.Set();
                    wentOn.Wait();
                });
            },
            afterMs: wentOn.Set));
    }

    /// <param name="begin">What a thread does first.</param>
    /// <param name="afterMs">What any thread but the first does after <see cref="HeldMs"/>.</param>
    private static string? Run<TSwap>(Action<int>? begin = null, Action? afterMs = null)
        where TSwap : struct, IWordSwap
    {
        // One packet a ms, into a bucket that is empty and never gets full.
        using var table = new MeterTable();
        table.Set(0, Assert.Single(FlowTextParser.ParseMeters($"add meter=1 pktps burst bands=type=drop rate=1000 burst_size={Burst}")));
        for (int i = 0; i < Burst; i++) Assert.True(table.Admit(0, 60, 0));
        long passed = 0;
        long clock = 0;
        var threads = new Thread[Threads];
        for (int t = 0; t < Threads; t++)
        {
            int thread = t;
            threads[t] = new Thread(() =>
            {
                begin?.Invoke(thread);
                long mine = 0;
                for (int i = 0; i < PacketsPerThread; i++)
                {
                    long now = i % PacketsPerMs == 0 ? Interlocked.Increment(ref clock) : Volatile.Read(ref clock);
                    if (table.Admit<TSwap>(0, 60, now)) mine++;
                    if (thread != 0 && i == PacketsPerMs * HeldMs) afterMs?.Invoke();
                }

                Interlocked.Add(ref passed, mine);
            });
        }

        foreach (Thread one in threads) one.Start();
        foreach (Thread one in threads) one.Join();
        int rest = 0;
        while (table.Admit(0, 60, clock)) rest++;
        (BookTotals taken, BookTotals[] bands) = table.CountersOf(0);
        if (taken.Packets != Burst + (Threads * PacketsPerThread) + (ulong)rest + 1) return $"{taken.Packets} packets counted";
        if (Burst + (ulong)passed + (ulong)rest + bands[0].Packets != taken.Packets) return "passed and dropped are not all";
        return passed + rest == clock ? null : $"{clock} ms gave {passed} packets and {rest} in the end";
    }
}
