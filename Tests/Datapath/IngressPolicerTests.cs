using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a port takes in is kept to its rate: how much passes is known to the packet, as the time is given by hand. Several threads share the buckets.</summary>
public sealed class IngressPolicerTests
{
    private long _nowNs = 1;

    [Fact]
    public void A_burst_passes_at_once_and_then_what_the_rate_gives()
    {
        // 1,024 bytes at once, then 1,000 bytes a second.
        IngressPolicer policer = New(new IngressLimits(8, 8, 0, 0));
        Assert.Equal(10, Passed(policer, 100, 30));
        _nowNs += 500_000_000;
        Assert.Equal(5, Passed(policer, 100, 30));
        _nowNs += 3600_000_000_000;
        Assert.Equal(10, Passed(policer, 100, 30));
    }

    [Fact]
    public void Packets_are_limited_whatever_their_length()
    {
        IngressPolicer policer = New(new IngressLimits(0, 0, 2, 1));
        Assert.Equal(1000, Passed(policer, 1500, 3000));
        _nowNs += 10_000_000;
        Assert.Equal(20, Passed(policer, 64, 3000));
    }

    [Fact]
    public void A_packet_passes_if_both_rates_have_room_and_takes_from_neither_otherwise()
    {
        // 16 kpkts at once is not what stops; 8,192 bytes are.
        IngressPolicer policer = New(new IngressLimits(80, 64, 1, 0));
        Assert.Equal(8, Passed(policer, 1000, 100));

        // Of bits there is plenty; 1,000 packets are what stops. What came after them has taken no bits.
        policer = New(new IngressLimits(8000, 8000, 1, 1));
        Assert.Equal(1000, Passed(policer, 100, 5000));
        _nowNs += 1_000_000;
        Assert.Equal(1, Passed(policer, 64, 10));
        policer = New(new IngressLimits(1, 1000, 1, 1));
        Assert.Equal(1000, Passed(policer, 64, 100_000));
        _nowNs += 1_000_000_000;
        Assert.Equal(1000, Passed(policer, 64, 100_000));
    }

    [Fact]
    public void Bursts_that_are_not_said_are_those_of_Open_vSwitch()
    {
        Assert.Equal(new IngressLimits(100, 8000, 0, 0), new IngressLimits(100, 0, 0, 7).Effective);
        Assert.Equal(new IngressLimits(0, 0, 5, 16), new IngressLimits(0, 7, 5, 0).Effective);
        Assert.Equal(8000 * 1024 / 8 / 1500, Passed(New(new IngressLimits(100, 0, 0, 0)), 1500, 10_000));
        Assert.Equal(16_000, Passed(New(new IngressLimits(0, 0, 5, 0)), 1500, 20_000));
    }

    [Fact]
    public void A_short_packet_counts_as_the_shortest_frame_and_one_that_no_burst_holds_never_passes()
    {
        Assert.Equal(16, Passed(New(new IngressLimits(8, 8, 0, 0)), 14, 100));
        IngressPolicer policer = New(new IngressLimits(8, 8, 0, 0));
        _nowNs += 3600_000_000_000;
        Assert.False(policer.Admits(1025));
        Assert.True(policer.Admits(1024));
    }

    [Theory]
    [InlineData(10_000_000u)]
    [InlineData(100_000_000u)]
    [InlineData(uint.MaxValue)]
    public void Rates_that_are_high_are_kept_as_well(uint kbits)
    {
        IngressPolicer policer = New(new IngressLimits(kbits, 100_000, 0, 0));
        while (policer.Admits(1500))
        {
            // The burst.
        }

        _nowNs += 10_000;
        double expected = kbits * 1000.0 / 8 / 1500 * 1e-5;
        Assert.InRange(Passed(policer, 1500, 1_000_000), expected - 2, (expected * 1.02) + 2);
    }

    [Fact]
    public void Threads_share_a_bucket() => Assert.Null(Run<AtomicSwap>(tears: false));

    [Fact]
    public void A_swap_that_is_not_one_is_caught() => Assert.NotNull(Run<TornSwap>(tears: true));

    private static string? Run<TSwap>(bool tears)
        where TSwap : struct, IWordSwap
    {
        // A packet a ms, into a bucket that is empty and never gets full: a thousand packets, a second's worth.
        using BucketRace race = new();
        IngressPolicer policer = new(new IngressLimits(0, 0, 1, 1), () => (race.NowMs + 1) * 1_000_000);
        long passed = 0;
        while (policer.Admits(64)) passed++;
        long meanwhile = race.Play(_ => policer.Admits<TSwap>(64), tears);
        passed += meanwhile;
        while (policer.Admits(64)) passed++;
        if (meanwhile == BucketRace.Threads * BucketRace.PacketsPerThread) return "nothing was refused";
        return passed == 1000 + race.NowMs ? null : $"{race.NowMs} ms gave {passed} packets";
    }

    private static int Passed(IngressPolicer policer, int lengthBytes, int count) => Enumerable.Range(0, count).Count(_ => policer.Admits(lengthBytes));

    private IngressPolicer New(IngressLimits limits) => new(limits, () => _nowNs);
}
