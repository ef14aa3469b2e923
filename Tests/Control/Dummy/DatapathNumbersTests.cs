using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Numbers of ports in a datapath, as Open vSwitch gives them.</summary>
public sealed class DatapathNumbersTests
{
    [Fact]
    public void Names_decide_in_a_dummy_datapath()
    {
        DatapathNumbers numbers = new(isDummy: true);
        Assert.Equal(100u, numbers.Take("br0"));
        Assert.Equal(101u, numbers.Take("br1"));
        Assert.Equal(7u, numbers.Take("p7"));
        Assert.Equal(1u, numbers.Take("local"));
        Assert.Equal(2u, numbers.Take("q7"));
        Assert.Equal(3u, numbers.Take("p0"));
        Assert.Equal(4789u, numbers.Take("vxlan_sys_4789"));
        numbers.Release(7);
        Assert.Equal(7u, numbers.Take("x7y9"));
    }

    [Fact]
    public void A_port_that_is_shared_goes_with_the_last_who_has_it()
    {
        DatapathNumbers numbers = new(isDummy: true);
        Assert.Equal([1u, 1u, 1u], new[] { "gre_sys", "gre_sys", "gre_sys" }.Select(numbers.Share));
        numbers.Release(1);
        numbers.Release(1);
        Assert.Equal("gre_sys", numbers.Names[1]);
        numbers.Release(1);
        Assert.Empty(numbers.Names);
    }

    [Fact]
    public void Elsewhere_they_are_given_in_turn()
    {
        DatapathNumbers numbers = new(isDummy: false);
        Assert.Equal([1u, 2u, 3u], new[] { "br0", "p9", "p2" }.Select(numbers.Take));
        numbers.Release(2);
        Assert.Equal(2u, numbers.Take("p77"));
    }
}
