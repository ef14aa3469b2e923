using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packets for controllers at a limited rate: the clock moves by hand.</summary>
public sealed class PacketInScheduleTests
{
    private readonly PacketInSchedule _schedule = new(new Random(1));

    [Fact]
    public void A_burst_goes_out_at_once_and_the_rest_at_its_rate()
    {
        _schedule.Limit(rate: 10, burst: 4);
        Assert.Equal(4, Enumerable.Range(0, 8).Count(i => _schedule.Admits(1, [(byte)i], nowMs: 1000)));
        Assert.Equal((4, 4ul, 4ul, 0ul), (_schedule.Waiting, _schedule.Bypassed, _schedule.Queued, _schedule.Dropped));
        Assert.Null(_schedule.Next(1099));
        Assert.Equal([4], _schedule.Next(1100)!);
        Assert.Null(_schedule.Next(1100));

        // What waits goes first, although there is room again.
        Assert.False(_schedule.Admits(1, [8], nowMs: 1250));
        Assert.Equal([5], _schedule.Next(1300)!);
    }

    [Fact]
    public void The_longest_queue_loses_and_ports_take_turns()
    {
        _schedule.Limit(rate: 1000, burst: 3);
        for (int i = 0; i < 3; i++) Assert.True(_schedule.Admits(1, [0], 5000));
        foreach (byte i in (byte[])[10, 11, 12]) Assert.False(_schedule.Admits(1, [i], 5000));
        Assert.False(_schedule.Admits(2, [20], 5000));
        Assert.Equal((3, 1ul), (_schedule.Waiting, _schedule.Dropped));
        Assert.Equal([[11], [20], [12]], Enumerable.Range(0, 3).Select(_ => _schedule.Next(6000)!));
        Assert.Null(_schedule.Next(7000));
    }

    [Fact]
    public void Nothing_keeps_more_than_a_burst()
    {
        _schedule.Limit(rate: 100, burst: 0);
        for (uint i = 0; i < 100_000; i++) _schedule.Admits(i % 1000, [1, 2, 3], 1000);
        Assert.Equal(25, _schedule.Waiting);
        _schedule.Limit(rate: 100, burst: 5);
        Assert.Equal(5, _schedule.Waiting);
    }
}
