using Mergeflow.Control;
using Xunit;
using static Mergeflow.Tests.TunnelBed;
using static Mergeflow.Tests.TunnelFrames;

namespace Mergeflow.Tests;

/// <summary>Tunnels whose way is found by routes and neighbours, as those of a database.</summary>
public sealed class RoutedTunnelTests
{
    private const uint Link = 3;

    private static readonly EthAddress s_own = EthAddress.FromUInt64(0x0200_0000_0101), s_next = EthAddress.FromUInt64(0x0200_0000_0202);

    [Theory]
    [InlineData("type=vxlan,remote_ip=192.0.2.2,key=100", Vxlan)]
    [InlineData("type=geneve,remote_ip=192.0.2.2,key=0xabcdef", Geneve)]
    [InlineData("type=gre,remote_ip=192.0.2.2,key=0x1234,csum=true", GreChecksum)]
    public void The_route_and_the_neighbour_give_addresses(string tunnel, string expected)
    {
        using TunnelBed bed = Bed("in_port=2 actions=output:t10", tunnel);
        Assert.Equal("", bed.Send(2, Inner));
        Assert.Empty(bed.Simulator.Pipeline.TakeUnknownHops());
        Tell(bed, Below([Neighbor("192.0.2.2")]));
        Assert.Equal($"{Link}:{expected}", bed.Send(2, Inner));
    }

    [Fact]
    public void An_unknown_next_hop_is_asked_for_and_the_packet_is_lost()
    {
        using TunnelBed bed = Bed("in_port=2 actions=output:t10", "type=vxlan,remote_ip=192.0.2.2,key=100");
        Tell(bed, Below([]));
        Assert.Equal("", bed.Send(2, Inner));
        Assert.Equal([(Link, Raw("192.0.2.2"), false)], bed.Simulator.Pipeline.TakeUnknownHops());
        Assert.Empty(bed.Simulator.Pipeline.TakeUnknownHops());
        Tell(bed, Below([Neighbor("192.0.2.2")]));
        Assert.Equal($"{Link}:{Vxlan}", bed.Send(2, Inner));
    }

    /// <summary>The address of the flow decides, and is in the megaflow.</summary>
    [Fact]
    public void A_flow_says_the_peer()
    {
        using TunnelBed bed = Bed(
            "in_port=2 actions=set_field:192.0.2.2->tun_dst,set_field:100->tun_id,output:t10\nin_port=1 actions=set_field:203.0.113.9->tun_dst,set_field:100->tun_id,output:t10",
            "type=vxlan,remote_ip=flow,key=flow");
        Tell(bed, Below([Neighbor("192.0.2.2"), Neighbor("192.0.2.254")]));
        Assert.Equal($"{Link}:{Vxlan}", bed.Send(2, Inner));

        // By the router: its Ethernet address, the peer's IP address.
        string byRouter = bed.Send(1, Inner);
        Assert.StartsWith($"{Link}:02000000fe02020000000101", byRouter, StringComparison.Ordinal);
        Assert.Equal("cb007109", byRouter[(2 + (2 * 30))..(2 + (2 * 34))]);
    }

    [Fact]
    public void A_longer_prefix_of_a_foreign_device_is_no_way()
    {
        using TunnelBed bed = Bed("in_port=2 actions=output:t10", "type=vxlan,remote_ip=192.0.2.2,key=100");
        TunnelUnderlay below = Below([Neighbor("192.0.2.2")]);
        Tell(bed, new TunnelUnderlay
        {
            Routes = new EquatableList<TunnelRoute>([.. below.Routes, new TunnelRoute(Raw("192.0.2.2"), 32, false, 0, "eth9", default, default, null)]),
            Neighbors = below.Neighbors,
            Entries = below.Entries,
        });
        Assert.Equal("", bed.Send(2, Inner));
        Assert.Empty(bed.Simulator.Pipeline.TakeUnknownHops());
    }

    /// <summary>A packet for a tunnel is decapsulated instead of going to the port with the address, and nothing else is.</summary>
    [Fact]
    public void Packets_for_tunnels_end_at_the_port_with_the_address()
    {
        using TunnelBed bed = Bed("in_port=1 actions=output:2\nin_port=10,tun_id=100,tun_src=192.0.2.2 actions=output:3", "type=vxlan,remote_ip=192.0.2.2,key=100");
        Tell(bed, new TunnelUnderlay { Ends = new EquatableList<TunnelEnd>([new TunnelEnd(2, s_own, Raw("192.0.2.1"), false, TunnelKind.Vxlan, 4789)]) });
        Assert.Equal($"3:{Inner}", bed.Send(1, VxlanIn));
        string other = VxlanIn.Replace("12b5", "12b6", StringComparison.Ordinal);
        Assert.Equal($"2:{other}", bed.Send(1, other));
        string foreign = VxlanIn.Replace("c0000201", "c0000203", StringComparison.Ordinal);
        Assert.Equal($"2:{foreign}", bed.Send(1, foreign));
        Assert.Equal($"2:{Inner}", bed.Send(1, Inner));
    }

    /// <summary>At the bridge with the tunnels: what comes by a link is decapsulated, or is for nobody.</summary>
    [Fact]
    public void What_comes_by_a_link_is_decapsulated()
    {
        using TunnelBed bed = Bed("in_port=10,tun_id=100,tun_src=192.0.2.2 actions=output:2\nin_port=3 actions=output:1", "type=vxlan,remote_ip=192.0.2.2,key=100");
        Tell(bed, Below([]));
        Assert.Equal($"2:{Inner}", bed.Send(Link, VxlanIn));
        Assert.Equal("", bed.Send(Link, VxlanIn.Replace("12b5", "12b6", StringComparison.Ordinal)));
        Assert.Equal("", bed.Send(Link, Inner));
    }

    [Fact]
    public void What_is_below_compares_by_content()
    {
        Assert.Equal(Below([Neighbor("192.0.2.2")]), Below([Neighbor("192.0.2.2")]));
        Assert.NotEqual(Below([Neighbor("192.0.2.2")]), Below([Neighbor("192.0.2.3")]));
        Assert.NotEqual(Below([]), TunnelUnderlay.None);
    }

    private static TunnelBed Bed(string flows, string tunnel)
    {
        TunnelBed bed = new(flows, OffloadMode.None, $"{tunnel.Replace("remote_ip=flow", "remote_ip=192.0.2.2", StringComparison.Ordinal)},{Underlay}");
        TunnelPort parsed = bed.Simulator.Datapath.Options.Tunnels[0];
        bed.Simulator.Datapath.Ports.SetTunnel(10, parsed with
        {
            IsRouted = true,
            UnderlayAddress = default,
            UnderlayPort = 0,
            Remote = tunnel.Contains("remote_ip=flow", StringComparison.Ordinal) ? null : parsed.Remote,
        }, 0);
        return bed;
    }

    private static void Tell(TunnelBed bed, TunnelUnderlay underlay) => bed.Simulator.Datapath.Ports.SetUnderlay(underlay, 0);

    private static TunnelUnderlay Below(TunnelNeighbor[] neighbors) => new()
    {
        Routes = new EquatableList<TunnelRoute>(
        [
            new TunnelRoute(Raw("0.0.0.0"), 0, false, Link, "br0", s_own, Raw("192.0.2.1"), Raw("192.0.2.254")),
            new TunnelRoute(Raw("192.0.2.0"), 24, false, Link, "br0", s_own, Raw("192.0.2.1"), null),
        ]),
        Neighbors = new EquatableList<TunnelNeighbor>(neighbors),
        Entries = new EquatableList<uint>([Link]),
    };

    private static TunnelNeighbor Neighbor(string address)
        => new(Link, Raw(address), false, address == "192.0.2.254" ? EthAddress.FromUInt64(0x0200_0000_fe02) : s_next);

    private static Ipv6Address Raw(string address) => HostNetwork.Raw(System.Net.IPAddress.Parse(address));
}
