using System.Net;
using Mergeflow.Control;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class SaidNetworkTests
{
    private static readonly IPAddress s_source = IPAddress.Parse("192.0.2.1");

    [Theory]
    [InlineData("192.0.2.255", 24, "192.0.2.0")]
    [InlineData("192.0.2.255", 31, "192.0.2.254")]
    [InlineData("192.0.2.255", 0, "0.0.0.0")]
    [InlineData("2001:db8:ffff::1", 33, "2001:db8:8000::")]
    public void Bits_behind_a_prefix_are_taken_away(string address, int bits, string masked) => Assert.Equal(IPAddress.Parse(masked), SaidNetwork.Masked(IPAddress.Parse(address), bits));

    [Fact]
    public void A_route_that_is_said_wins_over_a_longer_one_of_the_kernel()
    {
        HostNetwork host = Kernel("192.0.2.0", 30);
        Assert.Equal(1, host.RouteTo(IPAddress.Parse("192.0.2.2"))!.NextHops[0].Interface);
        host.Said.Add(Route(0, "192.0.2.0", 24, "b"));
        Assert.Equal(2, host.RouteTo(IPAddress.Parse("192.0.2.2"))!.NextHops[0].Interface);
        Assert.DoesNotContain(host.OwnRoutes, static r => r.PrefixLength == 30);
    }

    [Fact]
    public void It_does_not_where_the_other_is_longer_by_more_than_it_counts_for()
    {
        HostNetwork host = Kernel("2001:db8::", 64);
        host.Said.Add(Route(0, "2001:db8::", 32, "b"));
        Assert.Equal(1, host.RouteTo(IPAddress.Parse("2001:db8::1"))!.NextHops[0].Interface);
        host.Said.Add(Route(0, "2001:db8::", 33, "b"));
        Assert.Equal(2, host.RouteTo(IPAddress.Parse("2001:db8::1"))!.NextHops[0].Interface);
    }

    [Fact]
    public void A_route_of_marked_packets_or_of_a_device_that_is_gone_leads_no_tunnel()
    {
        HostNetwork host = Kernel("192.0.2.0", 30);
        host.Said.Add(Route(5, "192.0.2.0", 24, "b"));
        host.Said.Add(Route(0, "198.51.100.0", 24, "c"));
        Assert.Equal(1, host.RouteTo(IPAddress.Parse("192.0.2.2"))!.NextHops[0].Interface);
        Assert.Null(host.RouteTo(IPAddress.Parse("198.51.100.1")));
        Assert.Equal("b", host.Said.Find(5, IPAddress.Parse("192.0.2.2"))!.Device);
    }

    [Fact]
    public void Neighbours_that_are_said_win_until_their_time_is_up()
    {
        HostNetwork host = Kernel("192.0.2.0", 30);
        IPAddress address = IPAddress.Parse("192.0.2.2");
        host.Learn(new RtEvent(RtEventKind.Neighbor) { Neighbor = new RtNeighbor(1, address, 7, RtNeighborState.Reachable, false) });
        host.Said.SetNeighbor("a", address, 9, 0);
        Assert.Equal(9ul, host.MacOf(1, address));
        Assert.Equal(9ul, Assert.Single(host.Neighbors).Mac);
        host.Said.SetAging(10, 5000);
        Assert.False(host.Said.Expire(14_999));
        Assert.True(host.Said.Expire(15_000));
        Assert.Equal(7ul, host.MacOf(1, address));
    }

    [Fact]
    public void A_port_without_a_device_wins_over_a_device_of_the_same_name()
    {
        HostNetwork host = Kernel("192.0.2.0", 30);
        host.SayDevices([new RtLink { Index = -1, Name = "b" }], [new RtAddress(-1, s_source, 24)]);
        Assert.Equal(-1, host.LinkOf("b")!.Index);
        Assert.Equal(s_source, host.SourceWithin(-1, IPAddress.Parse("192.0.2.9")));
        Assert.Null(host.SourceWithin(-1, IPAddress.Parse("192.0.3.9")));
        host.SayDevices([], []);
        Assert.Equal(2, host.LinkOf("b")!.Index);
        Assert.Null(host.SourceWithin(-1, IPAddress.Parse("192.0.2.9")));
    }

    private static SaidRoute Route(uint mark, string prefix, int bits, string device) => new(mark, IPAddress.Parse(prefix), bits, device, null, s_source);

    private static HostNetwork Kernel(string prefix, int bits)
    {
        HostNetwork host = new();
        foreach ((int index, string name) in (ReadOnlySpan<(int, string)>)[(1, "a"), (2, "b")]) host.Learn(new RtEvent(RtEventKind.Link) { Link = new RtLink { Index = index, Name = name, Flags = 1 } });
        host.Learn(new RtEvent(RtEventKind.Route) { Route = new RtRoute { Destination = IPAddress.Parse(prefix), PrefixLength = bits, Table = 254, Type = 1, NextHops = [new RtNextHop(1, null)] } });
        return host;
    }
}
