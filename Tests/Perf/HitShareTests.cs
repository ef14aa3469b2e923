using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Policies on traces whose answer is known.</summary>
public sealed class HitShareTests
{
    [Theory]
    [InlineData("always, LRU", 0.0)]
    [InlineData("optimum", 100.0 * 49 / 150)]
    public void A_scan_larger_than_the_table_starves_LRU_and_not_the_optimum(string policy, double percent)
    {
        int[] scan = [.. Enumerable.Range(0, 150).Select(i => i % 3)];

        // One slot for three flows in turn: it is worth something only to a flow that stays.
        double got = HitShare.Percent(scan, 1, policy);
        Assert.Equal(percent, got, 6);
    }

    [Fact]
    public void No_policy_beats_the_optimum_and_a_large_table_misses_only_first_packets()
    {
        int[] trace = ConnectionTrace.Zipf(20_000, 500, 1.0, seed: 3);
        foreach (int capacity in (int[])[8, 64, 256])
        {
            double best = HitShare.Percent(trace, capacity, "optimum");
            foreach (string policy in HitShare.Policies) Assert.InRange(HitShare.Percent(trace, capacity, policy), 0.1, best);
        }

        double misses = 100.0 * trace.Distinct().Count() / trace.Length;
        Assert.Equal(100 - misses, HitShare.Percent(trace, 1000, "always, LRU"), 6);
        Assert.Equal(100 - misses, HitShare.Percent(trace, 1000, "optimum"), 6);
    }

    [Fact]
    public void Saved_cycles_pays_only_for_rules_that_pay_back()
    {
        // One busy connection, and a thousand of ten packets per second and no more: a rule for one of these costs more than it saves.
        int[] trace = [.. Enumerable.Range(0, 20_000).Select(i => i % 2 == 0 ? 0 : 1 + (i / 2000 * 100) + (i / 2 % 100))];
        long[] timesMs = [.. Enumerable.Range(0, 20_000).Select(i => i / 2L)];
        Assert.Equal((9992L, 1L), HitShare.Count(trace, 256, "saved cycles", timesMs));
        Assert.True(HitShare.NetCycles(trace, 256, "saved cycles", timesMs) > 46);
        Assert.True(HitShare.NetCycles(trace, 256, "always, LRU", timesMs) < 0);
    }

    [Fact]
    public void A_heavy_tail_has_few_connections_with_most_packets()
    {
        int[] trace = ConnectionTrace.HeavyTailed(200_000, 20, 1.1, seed: 1);
        int[] lengths = [.. trace.CountBy(f => f).Select(p => p.Value).OrderDescending()];
        Assert.True(lengths.Take(lengths.Length / 10).Sum() > trace.Length / 2, "a tenth of the connections has less than half of the packets");
        Assert.Equal(trace, ConnectionTrace.HeavyTailed(200_000, 20, 1.1, seed: 1));
    }
}
