using Xunit;

namespace Mergeflow.Tests;

/// <summary>Flows that share a place in the log.</summary>
public sealed class RefusalLogTests
{
    [Fact]
    public void Four_flows_in_one_place_are_all_remembered()
    {
        RefusalLog log = Filled(4);
        Assert.Equal(["flow 0", "flow 1", "flow 2", "flow 3"], log.All().Select(static r => r.Detail).Order(StringComparer.Ordinal));
        Add(log, 2, 100);
        Assert.Equal(5, log.All().Sum(static r => (long)r.Packets));
        Assert.Equal(2ul, log.All().Single(static r => r.Detail == "flow 2").Packets);
    }

    [Fact]
    public void A_fifth_takes_the_place_of_the_one_refused_longest_ago()
    {
        RefusalLog log = Filled(4);
        Add(log, 0, 100);
        Add(log, 4, 101);
        Assert.Equal(["flow 0", "flow 2", "flow 3", "flow 4"], log.All().Select(static r => r.Detail).Order(StringComparer.Ordinal));
        Assert.Equal(1ul, log.All().Single(static r => r.Detail == "flow 4").Packets);
    }

    private static RefusalLog Filled(int count)
    {
        var log = new RefusalLog();
        for (int i = 0; i < count; i++) Add(log, i, i);
        return log;
    }

    /// <summary>Flow <paramref name="n"/>; the low half of the hash, which chooses the place, is the same for all.</summary>
    private static void Add(RefusalLog log, int n, long nowMs) => log.Add(((ulong)n << 32) | 5, default, 64, OffloadReason.Fragment, 0, $"flow {n}", nowMs);
}
