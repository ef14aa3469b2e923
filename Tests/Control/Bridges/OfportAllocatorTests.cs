using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>OpenFlow numbers of ports.</summary>
public sealed class OfportAllocatorTests
{
    private const long Hour = 60 * 60 * 1000;
    private readonly OfportAllocator _numbers = new();

    [Fact]
    public void A_number_that_is_asked_for_is_given_where_it_is_free()
    {
        Assert.Equal(7, _numbers.Take(7, 0));
        Assert.Equal(1, _numbers.Take(7, 0));
        Assert.Equal(40_000, _numbers.Take(40_000, 0));
        Assert.Equal(2, _numbers.Take(0xff00, 0));
    }

    [Fact]
    public void A_number_that_was_given_back_rests_for_an_hour()
    {
        for (int i = 1; i <= 3; i++) Assert.Equal(i, _numbers.Take(null, 0));
        _numbers.Release(2, 0);
        Assert.Equal(4, _numbers.Take(null, 0));

        // Who asks for it gets it at once.
        Assert.Equal(2, _numbers.Take(2, 0));
        _numbers.Release(2, 0);
        for (int i = 5; i < 32768; i++) Assert.Equal(i, _numbers.Take(null, Hour));
        Assert.Equal(2, _numbers.Take(null, Hour + 1));
    }

    [Fact]
    public void When_all_others_are_in_use_the_one_that_has_rested_longest_is_given_before_its_time()
    {
        for (int i = 1; i < 32768; i++) Assert.Equal(i, _numbers.Take(null, 0));
        Assert.Null(_numbers.Take(null, 0));
        _numbers.Release(9, 200);
        _numbers.Release(5, 100);
        Assert.Equal(5, _numbers.Take(null, 300));
        Assert.Equal(9, _numbers.Take(null, 300));
    }

    [Fact]
    public void A_number_that_nobody_has_used_does_not_rest()
    {
        Assert.Equal(5, _numbers.Take(5, 0));
        _numbers.Forget(5);
        Assert.Equal(1, _numbers.Take(null, 0));
        _numbers.Forget(1);
        Assert.Equal([1, 2, 3, 4, 5], Enumerable.Range(0, 5).Select(_ => _numbers.Take(null, 0)));
    }
}
