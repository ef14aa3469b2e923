using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Several threads at one meter: never a token more than there were, never one lost (<see cref="BucketRace"/>).</summary>
public sealed class MeterLitmusTests
{
    private const int Burst = 1000;

    [Fact]
    public void Threads_share_a_bucket() => Assert.Null(Run<AtomicSwap>(tears: false));

    [Fact]
    public void A_swap_that_is_not_one_is_caught() => Assert.NotNull(Run<TornSwap>(tears: true));

    private static string? Run<TSwap>(bool tears)
        where TSwap : struct, IWordSwap
    {
        // One packet a ms, into a bucket that is empty and never gets full.
        using BucketRace race = new();
        using var table = new MeterTable();
        table.Set(0, Assert.Single(FlowTextParser.ParseMeters($"add meter=1 pktps burst bands=type=drop rate=1000 burst_size={Burst}")));
        for (int i = 0; i < Burst; i++) Assert.True(table.Admit(0, 60, 0));
        long passed = race.Play(now => table.Admit<TSwap>(0, 60, now), tears);
        int rest = 0;
        while (table.Admit(0, 60, race.NowMs)) rest++;
        (BookTotals taken, BookTotals[] bands) = table.CountersOf(0);
        if (taken.Packets != Burst + (BucketRace.Threads * BucketRace.PacketsPerThread) + (ulong)rest + 1) return $"{taken.Packets} packets counted";
        if (Burst + (ulong)passed + (ulong)rest + bands[0].Packets != taken.Packets) return "passed and dropped are not all";
        return passed + rest == race.NowMs ? null : $"{race.NowMs} ms gave {passed} packets and {rest} in the end";
    }
}
