using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the long ones among the pauses of a packet thread are blamed on.</summary>
public sealed class PollGapsTests
{
    private static readonly ulong s_longCycles = (ulong)(2 * PollGaps.LongUs * TscClock.FrequencyHz / 1e6);

    /// <summary>Collections come at any time: once in a while none does between two polls.</summary>
    [Fact]
    public void A_collection_that_has_ended_in_a_short_pause_is_not_to_blame_for_the_next_long_one()
    {
        PollGaps gaps = new();
        int before;
        do
        {
            gaps.Restart();
            gaps.Add(1);
            GC.Collect(0);
            before = GC.CollectionCount(0);
            gaps.Add(1);
            gaps.Add(s_longCycles);
        }
        while (GC.CollectionCount(0) != before);

        Assert.Equal(0ul, gaps.OfCollector.Count);
        Assert.Equal(1ul, gaps.Stops.Count);
        Assert.Equal(1ul, gaps.OfSystem.Count + gaps.OfWork.Count);
    }

    [Fact]
    public void A_collection_that_has_ended_in_a_long_pause_is_to_blame_for_it()
    {
        PollGaps gaps = new();
        gaps.Restart();
        gaps.Add(1);
        GC.Collect(0);
        gaps.Add(s_longCycles);
        Assert.Equal(1ul, gaps.OfCollector.Count);
    }
}
