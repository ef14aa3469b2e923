using System.Diagnostics;
using System.Net;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The kernel's own messages, in a network namespace of the test's own.</summary>
public sealed class RtnetlinkTests
{
    [Fact]
    public void A_watch_begins_with_what_is_there() => PrivateNetwork.Run(() =>
    {
        PrivateNetwork.Ip("link add mfn0 type veth peer name mfn1");
        using RtnetlinkWatch watch = new(RtTopics.Links);
        List<RtEvent> told = Until(watch, static e => e.Kind == RtEventKind.DumpDone);
        RtLink link = told.Single(static e => e.Link?.Name == "mfn0").Link!;
        Assert.Equal(("veth", false, 1500), (link.Kind, link.IsUp, link.Mtu));
        Assert.NotEqual(0UL, link.Mac);
    });

    [Fact]
    public void Orders_are_carried_out_and_told() => PrivateNetwork.Run(() =>
    {
        PrivateNetwork.Ip("link add mfn0 type veth peer name mfn1");
        using Rtnetlink orders = new();
        using RtnetlinkWatch watch = new(RtTopics.Links);
        int index = orders.Find("mfn0")!.Index;
        Assert.Equal(0, orders.Order(RtnetlinkCodec.SetMtu(index, 9000)));
        Assert.Equal(0, orders.Order(RtnetlinkCodec.SetMac(index, 0x020102030405)));
        Assert.Equal(0, orders.Order(RtnetlinkCodec.SetUp(orders.Find("mfn1")!.Index, true)));
        Assert.Equal(0, orders.Order(RtnetlinkCodec.SetUp(index, true)));
        RtLink up = Until(watch, e => e.Link is { IsUp: true, HasCarrier: true, OperState: RtOperState.Up } l && l.Index == index)[^1].Link!;
        Assert.Equal((9000, 0x020102030405UL), (up.Mtu, up.Mac));
        Assert.Equal(0, orders.Order(RtnetlinkCodec.SetUp(index, false)));
        Until(watch, e => e.Link is { IsUp: false } l && l.Index == index);
    });

    [Fact]
    public void A_link_is_renamed_and_goes() => PrivateNetwork.Run(() =>
    {
        PrivateNetwork.Ip("link add mfn0 type veth peer name mfn1");
        using Rtnetlink orders = new();
        using RtnetlinkWatch watch = new(RtTopics.Links);
        int index = orders.Find("mfn0")!.Index;
        PrivateNetwork.Ip("link set mfn0 name other0");
        Until(watch, e => e.Link is { Name: "other0" } l && l.Index == index);
        Assert.Equal(0, orders.Order(RtnetlinkCodec.Remove(index)));
        Until(watch, e => e.IsGone && e.Link!.Index == index);
        Assert.Null(orders.Find("other0"));
    });

    [Fact]
    public void An_order_for_a_link_that_is_not_there_says_why() => PrivateNetwork.Run(() =>
    {
        const int NoDevice = 19;
        using Rtnetlink orders = new();
        Assert.Equal(NoDevice, orders.Order(RtnetlinkCodec.SetUp(4242, true)));
    });

    [Fact]
    public void Routes_neighbours_and_addresses_are_told() => PrivateNetwork.Run(() =>
    {
        PrivateNetwork.Ip("link add mfn0 type veth peer name mfn1");
        PrivateNetwork.Ip("link set mfn1 up");
        PrivateNetwork.Ip("link set mfn0 up");
        PrivateNetwork.Ip("addr add 10.9.0.1/24 dev mfn0");
        PrivateNetwork.Ip("route add 10.10.0.0/16 via 10.9.0.2");
        using Rtnetlink orders = new();
        int index = orders.Find("mfn0")!.Index;
        using RtnetlinkWatch watch = new(RtTopics.Routes | RtTopics.Neighbors | RtTopics.Addresses);
        List<RtEvent> told = Until(watch, static e => e.Kind == RtEventKind.DumpDone);
        Assert.Contains(told, e => e.Route is { PrefixLength: 16 } r && r.NextHops.Single() == new RtNextHop(index, IPAddress.Parse("10.9.0.2")));
        Assert.Contains(told, e => e.Address == new RtAddress(index, IPAddress.Parse("10.9.0.1"), 24));
        PrivateNetwork.Ip("neigh replace 10.9.0.2 lladdr 02:00:00:00:00:09 dev mfn0");
        RtNeighbor n = Until(watch, static e => e.Neighbor is { Mac: 0x020000000009 })[^1].Neighbor!;
        Assert.True(n.IsValid && n.Interface == index);
        PrivateNetwork.Ip("route del 10.10.0.0/16");
        Until(watch, static e => e.IsGone && e.Route is { PrefixLength: 16 });
        Assert.Equal(0, orders.Order(RtnetlinkCodec.AddAddress(new RtAddress(index, IPAddress.Parse("fd00::5"), 64))));
        Until(watch, static e => e.Address?.Address.Equals(IPAddress.Parse("fd00::5")) == true);
        PrivateNetwork.Ip("-6 route add fd01::/32 via fd00::6 dev mfn0");
        Until(watch, static e => e.Route is { PrefixLength: 32 } r && r.NextHops.Single().Gateway!.Equals(IPAddress.Parse("fd00::6")));
    });

    private static List<RtEvent> Until(RtnetlinkWatch watch, Func<RtEvent, bool> isIt)
    {
        List<RtEvent> told = [];
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20);)
        {
            if (!watch.TryRead(out RtEvent? e)) Thread.Sleep(1);
            else told.Add(e);
            if (e is not null && isIt(e)) return told;
        }

        Assert.Fail($"not told; what was: {string.Join('\n', told)}");
        return told;
    }
}
