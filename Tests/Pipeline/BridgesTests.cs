using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Several bridges in one datapath, and patch ports between them (OVS <c>patch_port_output</c>).</summary>
public sealed class BridgesTests
{
    private static readonly byte[] s_udp = Frame(1);

    [Fact]
    public void One_megaflow_covers_both_bridges()
    {
        using BridgesBed bed = new("in_port=1 actions=mod_dl_src:02:00:00:00:00:01,output:9", "in_port=9,ip actions=mod_nw_tos:8,output:2");
        for (int i = 0; i < 3; i++) Assert.Equal("22", bed.Send(11, s_udp));
        string program = Assert.Single(bed.Programs());
        Assert.Equal("set(eth(src=02:00:00:00:00:01)),set(ipv4(tos=0x8/0xfc)),22", program);
        bed.Simulator.Settle();
        Assert.Equal([3ul, 3ul], [.. bed.First.Pipeline.Rules.Concat(bed.Second.Pipeline.Rules).Select(static r => r.Packets)]);
        Assert.Equal((3ul, 3ul, 0ul, 0ul), (bed.FirstEnd.Tx.Packets, bed.SecondEnd.Rx.Packets, bed.FirstEnd.Rx.Packets, bed.SecondEnd.Tx.Packets));
    }

    /// <summary>Registers, metadata and what conntrack knows are nothing to the other bridge, and are there again behind the output.</summary>
    [Theory]
    [InlineData("load:7->NXM_NX_REG1[]", "reg1=7")]
    [InlineData("write_metadata:5", "metadata=5")]
    [InlineData("set_field:5->tun_id", "tun_id=5")]
    public void What_a_packet_was_is_nothing_to_the_other_bridge(string sets, string match)
    {
        using BridgesBed bed = new($"in_port=1 actions={sets.Replace("write_metadata:5", "load:5->OXM_OF_METADATA[]", StringComparison.Ordinal)},output:9,resubmit(,1)\ntable=1,{match} actions=output:2", $"{match} actions=drop\npriority=0 actions=output:2");
        Assert.Equal("22 12", bed.Send(11, s_udp));
    }

    [Fact]
    public void Connections_are_tracked_for_all_bridges_and_seen_by_none_that_has_not_asked()
    {
        using BridgesBed bed = new(
            "table=0,in_port=1,ip actions=ct(commit,zone=5,table=1)\ntable=1 actions=output:9",
            "table=0,ct_state=+trk actions=drop\ntable=0,in_port=9,ip,ct_state=-trk actions=output:2\ntable=0,in_port=2,ip,ct_state=-trk actions=ct(zone=5,table=1)\ntable=1,ct_state=+est+rpl actions=output:9");
        bed.Mod(bed.First, "table=0,in_port=9 actions=output:1");
        Assert.Equal("22", bed.Send(11, s_udp));
        Assert.Equal("11", bed.Send(22, Frame(2)));
    }

    /// <summary>What is changed of the packet in the other bridge stays there, whatever stands behind the output.</summary>
    [Fact]
    public void The_packet_is_what_it_was_behind_the_output()
    {
        using BridgesBed bed = new("in_port=1 actions=output:9,output:2", "in_port=9,ip actions=mod_nw_tos:8,push_vlan:0x8100,set_field:4101->vlan_vid,ct(commit,zone=3),output:2");
        bed.Send(11, s_udp);
        Assert.Equal(["clone(set(ipv4(tos=0x8/0xfc)),push_vlan(vid=5,pcp=0),ct(commit,zone=3),22),12"], bed.Programs());
        bed.Mod(bed.Second, "in_port=9,ip actions=mod_nw_tos:8,output:2");
        Assert.Equal("22 12", bed.Send(11, s_udp));
        Assert.Equal(["set(ipv4(tos=0x8/0xfc)),22,set(ipv4(tos=0/0xfc)),12"], bed.Programs());
    }

    [Fact]
    public void A_change_of_the_other_bridge_reaches_megaflows()
    {
        using BridgesBed bed = new("actions=output:9", "actions=output:2");
        Assert.Equal("22", bed.Send(11, s_udp));
        bed.Mod(bed.Second, "actions=output:1");
        Assert.Equal("21", bed.Send(11, s_udp));
        bed.Second.Ports.Remove(9, 0);
        Assert.Equal("", bed.Send(11, s_udp));
        Assert.Equal("21", bed.Send(22, s_udp));
    }

    /// <summary>A rule of a bridge that a megaflow has not been to does not concern it.</summary>
    [Fact]
    public void A_change_of_a_bridge_concerns_those_that_were_there()
    {
        using BridgesBed bed = new("in_port=1 actions=output:2\nin_port=2 actions=output:9", "actions=output:2");
        bed.Send(11, s_udp);
        bed.Send(12, s_udp);
        ulong before = Translations(bed);
        bed.Mod(bed.Second, "priority=9,udp actions=output:1");
        Assert.Equal(1ul, Translations(bed) - before);
    }

    /// <summary>Each bridge learns where it has seen an address, and an address that moves in one is looked at there alone.</summary>
    [Fact]
    public void Each_bridge_learns_for_itself()
    {
        using BridgesBed bed = new("actions=normal", "actions=normal");
        Assert.Equal("10 12 20 21 22", bed.Send(11, s_udp));
        Assert.Equal("11", bed.Send(22, Frame(2)));
        Assert.Equal([(1u, 9u)], [(PortOf(bed.First, 1), PortOf(bed.Second, 1))]);
        Assert.Equal([(9u, 2u)], [(PortOf(bed.First, 2), PortOf(bed.Second, 2))]);
        Assert.Equal("22", bed.Send(11, s_udp));

        // The host moves to another port of the second bridge.
        Assert.Equal("11", bed.Send(21, Frame(2)));
        Assert.Equal("21", bed.Send(11, s_udp));
    }

    [Fact]
    public void Learned_rules_and_packets_for_controllers_are_of_the_rule_s_own_bridge()
    {
        using BridgesBed bed = new("actions=output:9", "table=0,cookie=0x77 actions=learn(table=1,NXM_OF_ETH_SRC[]),controller(userdata=01),resubmit(,2)");
        bed.Send(11, s_udp);
        Assert.Single(bed.First.Pipeline.Rules);
        Assert.Equal(2, bed.Second.Pipeline.Rules.Count());
        List<PacketIn> own = [], others = [];
        bed.Second.PacketInReceiver = own.Add;
        bed.Simulator.Datapath.TakePacketIns(others.Add);
        PacketIn told = Assert.Single(own);
        Assert.Equal((9u, 0x77ul, bed.Second), (told.Flow.Key.InPort.Host, told.Cookie, told.Bridge));
        Assert.Empty(others);
    }

    [Fact]
    public void What_was_put_aside_goes_on_in_its_bridge()
    {
        using BridgesBed bed = new("table=0,in_port=1 actions=output:9\ntable=0,in_port=9 actions=output:2", "table=0,ip actions=ct(table=1,zone=4)\ntable=1,ct_state=+new,in_port=9 actions=in_port");
        Assert.Equal("12", bed.Send(11, s_udp));
    }

    [Fact]
    public void A_loop_ends()
    {
        using BridgesBed bed = new("in_port=1 actions=output:9\nin_port=9 actions=in_port,output:2", "in_port=9 actions=in_port,output:2");
        string sent = bed.Send(11, s_udp);
        Assert.InRange(sent.Split(' ').Length, 8, Translator.MaxResubmits);
    }

    [Fact]
    public void Ends_that_do_not_name_each_other_lead_nowhere()
    {
        using BridgesBed bed = new("actions=output:9,output:2", "actions=output:2", peer: "another");
        Assert.Equal("12", bed.Send(11, s_udp));
    }

    [Fact]
    public void A_bridge_that_goes_takes_nothing_and_its_meters_have_no_place()
    {
        using BridgesBed bed = new("actions=output:9", "actions=output:2");
        bed.First.ApplyMeterMods(FlowTextParser.ParseMeters("meter=1 pktps bands=type=drop rate=1"), 0);
        bed.Second.ApplyMeterMods(FlowTextParser.ParseMeters("meter=1 pktps bands=type=drop rate=1000"), 0);
        Assert.Equal([0u, 1u], [bed.First.Pipeline.Meters[0].Slot, bed.Second.Pipeline.Meters[0].Slot]);
        Assert.Equal("22", bed.Send(11, s_udp));
        foreach (uint port in (uint[])[1, 2, 9, (uint)OfReservedPort.Local]) bed.Second.Ports.Remove(port, 0);
        bed.Simulator.Datapath.RemoveBridge(bed.Second, 0);
        Assert.Equal("", bed.Send(11, s_udp));
        Assert.Equal("", bed.Send(22, s_udp));
        DatapathBridge third = bed.Simulator.Datapath.AddBridge("br3", 0);
        third.ApplyMeterMods(FlowTextParser.ParseMeters("meter=7 pktps bands=type=drop rate=1"), 0);
        Assert.Equal(1u, third.Pipeline.Meters[0].Slot);
    }

    /// <summary>Established traffic goes by one merged rule through both bridges, and is counted at both ends of the patch.</summary>
    [Fact]
    public void A_merged_rule_reaches_across_a_patch()
    {
        using BridgesBed bed = new(
            "table=0,in_port=1,ip actions=ct(commit,zone=5,table=1)\ntable=1,ip actions=dec_ttl,output:9\ntable=0,in_port=9,ip actions=ct(zone=5,table=2)\ntable=2,ct_state=+est actions=output:1",
            "table=0,in_port=9,ip actions=ct(commit,zone=6,table=1)\ntable=0,in_port=2,ip actions=ct(zone=6,table=1)\ntable=1,in_port=9 actions=output:2\ntable=1,in_port=2,ct_state=+est actions=output:9",
            OffloadMode.Soft);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("22", bed.Send(11, s_udp));
            Assert.Equal("11", bed.Send(22, Frame(2)));
        }

        Assert.True(bed.Simulator.Datapath.Stats.MergedHits >= 30, $"{bed.Simulator.Datapath.Stats.MergedHits} of 40 by merged rules");
        Assert.Equal(2, bed.Simulator.Datapath.Offload!.RuleCount);
        bed.Simulator.Settle();
        Assert.Equal((20ul, 20ul), (bed.FirstEnd.Tx.Packets, bed.FirstEnd.Rx.Packets));
    }

    /// <summary>A tunnel of one bridge by the address of the other one's own port: encapsulated, the packet goes through the other bridge's tables in the same program, and what comes back is decapsulated where it would go to that port.</summary>
    [Fact]
    public void A_tunnel_ends_at_another_bridge_s_own_port()
    {
        EthAddress own = EthAddress.FromUInt64(0x0200_0000_0101), next = EthAddress.FromUInt64(0x0200_0000_0202);
        using BridgesBed bed = new("in_port=1 actions=output:5\nin_port=5 actions=output:1", "in_port=LOCAL,udp,tp_dst=4789 actions=output:2\nin_port=2 actions=LOCAL");
        TunnelPort tunnel = new() { Number = 5, Kind = TunnelKind.Vxlan, IsRouted = true, Remote = Raw("192.0.2.2"), OutKey = 7, InKey = 7, HasOutKey = true, DestinationPort = 4789 };
        VportCounters counters = new(isShared: false);
        bed.First.Ports.Add(new PipelinePort("vx", 5) { InDatapath = 30, Tunnel = tunnel, Counters = counters }, 0, 0);
        uint local = (uint)OfReservedPort.Local;
        TunnelUnderlay underlay = new()
        {
            Routes = new EquatableList<TunnelRoute>([new TunnelRoute(Raw("192.0.2.0"), 24, false, local, "br2", own, Raw("192.0.2.1"), null) { Bridge = bed.Second.Pipeline }]),
            Neighbors = new EquatableList<TunnelNeighbor>([new TunnelNeighbor(local, Raw("192.0.2.2"), false, next) { Bridge = bed.Second.Pipeline }]),
        };
        bed.First.Ports.SetUnderlay(underlay, 0);
        bed.Second.Ports.SetUnderlay(new TunnelUnderlay { Ends = new EquatableList<TunnelEnd>([new TunnelEnd(local, own, Raw("192.0.2.1"), false, TunnelKind.Vxlan, 4789)]) }, 0);
        Assert.Equal("22", bed.Send(11, s_udp));
        Assert.StartsWith("tnl_push(tnl_port(30),", Assert.Single(bed.Programs()), StringComparison.Ordinal);
        Assert.EndsWith(",22", bed.Programs()[0], StringComparison.Ordinal);
        byte[] encapsulated = Convert.FromHexString("020000000101" + "020000000202" + "0800" + "4500004e0000400040112c95" + "c0000202c0000201" + "c00012b5003a0000" + "0800000000000700" + Convert.ToHexStringLower(Frame(2)));
        NicFrame.SetIpv4Checksum(encapsulated);
        Assert.Equal("11", bed.Send(22, encapsulated));
        bed.Simulator.Settle();
        Assert.Equal((1ul, 1ul), (counters.Tx.Packets, counters.Rx.Packets));

        // What the other bridge does not let out does not leave, and no part of it stays in the program.
        bed.Second.ApplyFlowMods([new FlowTextParser().ParseFlow("delete udp,in_port=LOCAL")], 0);
        Assert.Equal("", bed.Send(11, s_udp));
    }

    private static ulong Translations(BridgesBed bed) => bed.First.Pipeline.Work.Translations + bed.Second.Pipeline.Work.Translations + bed.Simulator.Pipeline.Work.Translations;

    private static uint PortOf(DatapathBridge bridge, int host) => bridge.Pipeline.LearnedAddresses(0).Single(a => a.Source.Mac == 0x0200_0000_0000ul + (ulong)host).Source.Port;

    private static Ipv6Address Raw(string ip) => Control.HostNetwork.Raw(System.Net.IPAddress.Parse(ip));

    /// <summary>A datagram from host 1 to host 2, or back.</summary>
    private static byte[] Frame(int from)
    {
        int to = 3 - from;
        byte[] frame = Convert.FromHexString($"0200000000{to:x2}0200000000{from:x2}08004500001c0000400040110000" + $"0a0000{from:x2}0a0000{to:x2}" + (from == 1 ? "03e80035" : "003503e8") + "00080000");
        NicFrame.SetIpv4Checksum(frame);
        return frame;
    }
}
