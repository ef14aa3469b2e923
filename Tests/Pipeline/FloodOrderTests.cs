using Xunit;

namespace Mergeflow.Tests;

/// <summary>The order of floods as Open vSwitch 3.1.0 had it, asked by <c>ofproto/trace</c>; ports of one bucket of its table stand in brackets.</summary>
public sealed class FloodOrderTests
{
    [Fact]
    public void Buckets_follow_each_other_as_in_its_hash_table()
    {
        uint[] numbers = [.. Enumerable.Range(1, 9).Select(static n => (uint)n), 11, 0xfffe];
        uint[] order = [.. FloodOrder.Of(numbers.Select(static n => new PipelinePort($"p{n}", n))).Select(static p => p.Number)];
        uint[][] buckets = [[11], [8, 0xfffe], [5, 9], [1, 4, 6, 7], [2], [3]];
        int at = 0;
        foreach (uint[] bucket in buckets)
        {
            Assert.Equal(bucket, order[at..(at + bucket.Length)].Order());
            at += bucket.Length;
        }

        Assert.Equal(order.Length, at);
    }

    [Fact]
    public void A_port_and_the_bridges_own_one_flood_as_there()
        => Assert.Equal([0xfffeu, 2u], FloodOrder.Of([new PipelinePort("p1", 1), new PipelinePort("p2", 2), new PipelinePort("br0", 0xfffe)]).Select(static p => p.Number).Where(static n => n != 1));
}
